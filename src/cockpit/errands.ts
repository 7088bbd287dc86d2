/** Runs the launch wizard's errands and brings their answers to the screen. */
import type { Clock } from '../core/ports.ts';
import type { Ui } from './ui.ts';
import { OFFERS_FRESH_MS, offersAbout, offersRead, specsRead, wizardAsked, type Errand, type Loaded, type WizardPorts } from './wizard.ts';

export interface Errands {
  run: (errand: Errand) => void;
  /** Asks for offers again while they are looked at. */
  look: () => void;
}

export function createErrands(ports: { wizard: WizardPorts | null; clock: Clock; ui(): Ui; become(ui: Ui): void }): Errands {
  const { wizard, clock } = ports;
  let asking: string | null = null;

  async function loaded<T>(work: () => Promise<T>): Promise<Loaded<T>> {
    try {
      return { is: 'ready', value: await work() };
    } catch (error) {
      return { is: 'failed', why: error instanceof Error ? error.message : 'no reason given' };
    }
  }
  const offers = async (path: string, first: () => Promise<unknown> = () => Promise.resolve()): Promise<void> => {
    if (!wizard || asking === path) return;
    asking = path;
    const found = await loaded(async () => {
      await first();
      return wizard.offers(path);
    });
    asking = null;
    ports.become(offersRead(ports.ui(), path, found, clock.now()));
  };

  return {
    run(errand) {
      ports.become(wizardAsked(ports.ui(), errand));
      if (!wizard) return ports.become(specsRead(ports.ui(), { is: 'failed', why: 'nothing can be launched from this screen' }));
      if (errand.do === 'load_specs') void loaded(() => wizard.specs()).then((specs) => ports.become(specsRead(ports.ui(), specs)));
      else if (errand.do === 'load_offers') void offers(errand.path);
      else void offers(errand.path, () => wizard.write(errand.path, errand.spec));
    },
    look() {
      const { dialog, wizard: known } = ports.ui();
      const about = offersAbout(dialog);
      if (about !== null && known.offers.is !== 'loading' && clock.now() - known.offers_at >= OFFERS_FRESH_MS) void offers(about);
    },
  };
}
