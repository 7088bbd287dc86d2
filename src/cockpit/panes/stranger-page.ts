/** What is known of an instance that is not ours, what it drains, and the one thing that can be done about it here. */
import { burnOf, costOf, totals } from '../../core/ledger.ts';
import { span } from '../../core/line.ts';
import type { InstanceState, World } from '../../core/state.ts';
import { cleanLine } from '../../core/text.ts';
import { ago, money, perHour } from '../format.ts';
import { GLYPH } from '../glyphs.ts';
import { keyOf } from '../keys.ts';
import { line, piece, plain, wrap, type Line } from '../line.ts';
import { fact, rule } from './parts.ts';

export function strangerPage(one: InstanceState, world: World, now: number, width: number): Line[] {
  const { facts } = one;
  const section = (title: string, body: readonly Line[]): Line[] => [rule([piece(title, 'title')], [], width, false), ...body, line()];
  const known = (name: string, value: string | null): Line[] => (value === null ? [] : [fact(name, piece(cleanLine(value, 200)))]);
  return [
    rule([piece(`${GLYPH.off} `, 'off'), piece(`instance ${one.id}`, 'title'), piece('  not ours: shown, never touched', 'muted')], [piece('Esc goes back', 'faint')], width, true),
    line(),
    ...section('What is known', [
      ...known('label', facts.label),
      ...known('GPU', `${facts.num_gpus}x ${facts.gpu_name}, ${(facts.gpu_ram / 1_024).toFixed(0)} GB each`),
      ...known('status', `${facts.actual_status ?? 'provisioning'}${facts.status_msg ? `: ${facts.status_msg}` : ''}`),
      ...known('use', facts.gpu_util === null ? null : `GPU ${Math.round(facts.gpu_util)} %${facts.gpu_temp === null ? '' : `, ${Math.round(facts.gpu_temp)} °C`}`),
      ...known('disk', `${facts.disk_space.toFixed(0)} GB${facts.disk_usage !== null && facts.disk_usage >= 0 ? `, ${facts.disk_usage.toFixed(0)} GB taken` : ''}`),
      ...known('machine', `${one.machine_id}${facts.geolocation ? `, ${facts.geolocation}` : ''}`),
      ...known('address', facts.public_ipaddr !== null && facts.direct_ssh_port !== null ? `${facts.public_ipaddr}:${facts.direct_ssh_port}` : facts.ssh_host !== null && facts.ssh_port !== null ? `${facts.ssh_host}:${facts.ssh_port}` : null),
      ...known('rented', facts.start_date === null ? null : ago(now - facts.start_date * 1_000)),
      ...known('market', facts.is_bid ? `interruptible, at a bid of ${perHour(facts.dph_base)}` : 'on-demand'),
    ]),
    ...section('What it costs', costLines(one, world, now, width)),
    ...section('What can be done', wrap(`${keyOf('adopt')} puts a run of a spec on it: from then on it is watched, repaired and brought home like any other, never destroyed but by your order, and given back under its old label when the run is over. Anything else is done where it was rented: this program does not touch it.`, width - 2).map((text) => plain(` ${text}`, 'muted'))),
  ];
}

function costLines(one: InstanceState, world: World, now: number, width: number): Line[] {
  const { facts } = one;
  const sums = totals(world, now);
  const drain = sums.burn_usd_per_hour + sums.strangers_usd_per_hour;
  const without = sums.credit_usd === null || drain <= burnOf(one) ? null : sums.credit_usd / (drain - burnOf(one));
  return [
    fact('rate', piece(perHour(burnOf(one)), 'money'), piece(`  ${perHour(facts.dph_base)} for the GPU, ${perHour(facts.storage_total_cost)} for the disk, which bills when it is stopped too`, 'muted')),
    fact('seen', piece(money(costOf(one, now).usd), 'money'), piece(`  since this program saw it first, ${ago(now - one.first_seen)}; it is no part of what we spent`, 'muted')),
    ...(sums.runway_h === null ? [] : wrap(`The credit lasts ${span(sums.runway_h * 3_600_000)} with it${without === null ? '' : `, and ${span(without * 3_600_000)} without`}.`, width - 14).map((text, index) => fact(index === 0 ? 'runway' : '', piece(text)))),
  ];
}
