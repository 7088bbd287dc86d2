import { STILL_ALIVE } from '../core/ports.ts';
import { PROCESS_FUNCTIONS } from './process-functions.ts';

/** Exit codes of the sentinel that mean something to us. */
export const FENCED = 73;

/**
 * The script that stays on the instance, for dash, busybox ash and bash. It owns `.vastsit/` in the run's directory:
 * fence, cmd.N.sh, env.sh, log.N, nonce.N, pid.N, exit.N, stacks.N, heartbeat, lease, sentinel.log.
 */
export const SENTINEL = String.raw`#!/bin/sh
# vastsit sentinel: starts one training attempt in a session of its own, records how it ended, and ends the billing
# when the training is over and nobody renews the lease. Usage: sentinel.sh start|stop|follow|renew|revive|guard ...
S=$(cd "$(dirname "$0")" && pwd -P) || exit 1
R=\${S%/.vastsit}
run=\${R##*/}
BEAT=\${VASTSIT_BEAT:-10}
umask 077
cd "$R" || exit 1
${PROCESS_FUNCTIONS}
now() { date +%s; }
say() { echo "$(now) $*" >> "$S/sentinel.log"; }
# Readers see the old content or the new, never half of it.
record() { printf '%s\n' "$2" > "$S/.$1.$$" && mv -f "$S/.$1.$$" "$S/$1"; }
first() { if [ -r "$S/$1" ]; then head -n 1 "$S/$1"; fi; }
fence() { f=$(first fence); echo "\${f:-0}"; }
stand_down() { [ "$(fence)" -le "$1" ] || { echo "attempt $(fence) has taken over" >&2; exit ${FENCED}; }; }
nap() { sleep "$1" 2>/dev/null || sleep 1; }
detach() { if command -v setsid >/dev/null 2>&1; then exec setsid "$@"; else exec nohup "$@"; fi; }
own_shell() { command -v bash || echo sh; }
# What the container was given but a login over SSH is not: only PID 1 still knows.
given() { tr '\0' '\n' 2>/dev/null < /proc/1/environ | sed -n "s/^$1=//p" | head -n 1; }

start() { # attempt lease_seconds grace_seconds then
  n=$1
  stand_down "$n"
  if ! mkdir "$S/claim.$n" 2>/dev/null; then # a second order for the same attempt gets the first one's answer
    await_pid "$n"
    return
  fi
  for pid in "$S"/pid.*; do
    other=\${pid##*.}
    if [ -r "$pid" ] && [ -n "$(members "$other")" ]; then
      rmdir "$S/claim.$n"
      echo "attempt $other is still alive here; stop it first" >&2
      exit ${STILL_ALIVE}
    fi
  done
  # The ballast is room for the exit record and its frame on a disk that the training has filled.
  if ! { record fence "$n" && record nonce."$n" "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" &&
    record lease "$(($(now) + $2)) $3 $4 $2" && : >> "$S/log.$n" && dd if=/dev/zero of="$S/ballast" bs=1024 count=64 2>/dev/null; }; then
    rmdir "$S/claim.$n"
    left=$(df -Pk "$S" 2>/dev/null | awk 'NR == 2 { print $4 }')
    if [ "\${left:-1024}" -lt 128 ]; then echo "cannot write below $S: No space left on device" >&2; else echo "cannot write below $S" >&2; fi
    exit 74
  fi
  detach sh "$S/sentinel.sh" supervise "$n" </dev/null >>"$S/sentinel.log" 2>&1 &
  await_pid "$n"
}
await_pid() {
  i=0
  while [ ! -r "$S/pid.$1" ]; do
    i=$((i + 1))
    [ $i -le 100 ] || { echo "the supervisor did not come up; see .vastsit/sentinel.log" >&2; exit 74; }
    nap 0.05
  done
  read -r pid at _ < "$S/pid.$1"
  echo "$pid $at"
}

supervise() {
  n=$1
  trap '' HUP
  oom=$(oom_kills)
  launch() {
    set -a
    if [ -r "$S/env.sh" ]; then . "$S/env.sh"; fi
    PYTHONUNBUFFERED=1 PYTHONFAULTHANDLER=\${PYTHONFAULTHANDLER:-1} VASTSIT_RUN=$run VASTSIT_ATTEMPT=$n VASTSIT_MARK="$R/$n;"
    if [ -n "$(given CONTAINER_ID)" ]; then # the image's own PATH knows its Python; the login's does not
      PATH="$(given PATH):$PATH"
      LD_LIBRARY_PATH="$(given LD_LIBRARY_PATH):\${LD_LIBRARY_PATH:-}"
    fi
    umask 022
    ulimit -c 0 # the core of a training would fill the disk that its checkpoints need
    if command -v setsid >/dev/null 2>&1; then exec setsid "$(own_shell)" "$S/cmd.$n.sh"; fi
    exec "$(own_shell)" "$S/cmd.$n.sh"
  }
  # Job control gives a group of its own where there is no setsid.
  command -v setsid >/dev/null 2>&1 || set -m
  launch </dev/null >>"$S/log.$n" 2>&1 &
  child=$!
  set +m
  # What cannot be found again must not run.
  record pid."$n" "$child $(now) $(boot) $$" || { kill -KILL "$child"; exit 74; }
  say "attempt $n started as $child"
  while kill -0 $$ 2>/dev/null; do now > "$S/heartbeat"; nap "$BEAT"; done &
  beats=$!
  wait "$child"
  code=$?
  signal=-
  if [ $code -gt 128 ] && [ $code -lt 160 ]; then signal=$(kill -l $((code - 128)) 2>/dev/null || echo -); signal=\${signal#SIG}; fi
  after=$(oom_kills)
  oom=$((\${after:-0} - \${oom:-0}))
  at=$(now)
  rm -f "$S/ballast"
  record exit."$n" "$code $signal $oom $at"
  # In the log itself, so that whoever follows it hears of the end at once and after the last line.
  printf '\036%s:exit:%s:%s:%s:%s\n' "$(first nonce."$n")" "$code" "$signal" "$oom" "$at" >> "$S/log.$n"
  say "attempt $n ended: code $code signal $signal oom $oom"
  kill $beats 2>/dev/null
  guard "$n"
}

# After the training: ends the billing once the lease has run out and the grace has passed.
guard() {
  n=\${1:-$(fence)}
  record guard "$$ $(boot)"
  while :; do
    [ "$(fence)" -le "$n" ] || { say "attempt $n stands down"; return; }
    expires=; grace=; policy=
    [ -r "$S/lease" ] && read -r expires grace policy _ < "$S/lease"
    case "$policy" in stop|destroy) ;; *) return ;; esac
    now > "$S/heartbeat"
    if [ "$(now)" -gt $((expires + grace)) ] && [ -z "$(members "$n")" ]; then
      say "lease ran out; asking for $policy"
      tries=$((\${tries:-0} + 1))
      # A box that cannot be destroyed is at least stopped.
      if [ "$tries" -gt 5 ] && [ "$policy" = destroy ] && [ $((tries % 2)) = 0 ]; then policy=stop; fi
      if end_billing "$policy"; then say "confirmed: $policy"; return; fi
      wait_s=$((BEAT * tries))
      nap $((wait_s > 300 ? 300 : wait_s))
    else
      tries=0
      nap "$BEAT"
    fi
  done
}

end_billing() { # stop|destroy
  key=\${CONTAINER_API_KEY:-$(given CONTAINER_API_KEY)}
  [ -n "$key" ] || key=$(cat "$HOME/.vast_api_key" 2>/dev/null)
  id=\${CONTAINER_ID:-$(given CONTAINER_ID)}
  [ -n "$id" ] || id=$(sed -n 's/^C\.//p' "$HOME/.vast_containerlabel" 2>/dev/null)
  api=\${VASTSIT_API_URL:-\${VAST_URL:-$(given VAST_URL)}}
  api=\${api:-https://console.vast.ai}
  case "$id" in ''|*[!0-9]*) say "no container id"; return 1 ;; esac
  [ -n "$key" ] || { say "no container key"; return 1; }
  url="\${api%/}/api/v0/instances/$id/"
  if [ "$1" = destroy ]; then call DELETE '{}'; else call PUT '{"state":"stopped"}'; fi
  say "$1: HTTP $status"
  call GET
  say "read back: HTTP $status"
  # Accepted is not done: believe only what a second request says.
  case "$status" in
    404) return 0 ;;
    200) if [ "$1" = destroy ]; then grep -q '"instances": *null' "$S/answer"; else grep -Eq '"(intended_status|cur_state)": *"stopped"' "$S/answer"; fi ;;
    *) return 1 ;;
  esac
}
# The key goes through standard input or a file of mode 0600, never through an argument that others can read.
call() { # method [body]
  status=000
  if command -v curl >/dev/null 2>&1; then
    status=$({
      printf 'url = "%s"\nrequest = "%s"\nheader = "Authorization: Bearer %s"\n' "$url" "$1" "$key"
      if [ -n "$2" ]; then printf 'header = "Content-Type: application/json"\ndata = "%s"\n' "$(printf %s "$2" | sed 's/"/\\"/g')"; fi
    } | curl -sS -m 30 -o "$S/answer" -w '%{http_code}' -K - 2>>"$S/sentinel.log")
  elif command -v wget >/dev/null 2>&1; then
    printf 'header = Authorization: Bearer %s\nheader = Content-Type: application/json\n' "$key" > "$S/wgetrc"
    status=$(wget --config="$S/wgetrc" --method="$1" \${2:+--body-data="$2"} -T 30 -t 1 --content-on-error -S -q -O "$S/answer" "$url" 2>&1 | sed -n 's|^ *HTTP/[0-9.]* \([0-9]*\).*|\1|p' | tail -n 1)
    rm -f "$S/wgetrc"
  else
    say "neither curl nor wget"
  fi
  status=\${status:-000}
}

stop() { # attempt grace_seconds [stacks]
  n=$1
  [ "\${3:-}" != stacks ] || stacks "$n"
  signal_all TERM "$n"
  ends=$(($(now) + $2))
  while [ -n "$(members "$n")" ] && [ "$(now)" -lt "$ends" ]; do nap 0.1; done
  i=0
  while [ -n "$(members "$n")" ]; do
    i=$((i + 1))
    [ $i -le 50 ] || { echo "processes of attempt $n survive KILL: $(members "$n" | tr '\n' ' ')" >&2; exit 1; }
    signal_all KILL "$n"
    nap 0.1
  done
  # Its supervisor writes the exit record in a moment, if there still is one.
  supervisor=
  [ -r "$S/pid.$n" ] && read -r _ _ _ supervisor < "$S/pid.$n"
  i=0
  while [ ! -r "$S/exit.$n" ] && [ -n "$supervisor" ] && kill -0 "$supervisor" 2>/dev/null && [ $i -lt 50 ]; do i=$((i + 1)); nap 0.1; done
}
# Where each process of a hung training stands: as the kernel sees it, as py-spy does where the image has it, and as Python's
# own fault handler says in the log when it is aborted, which ends it.
stacks() { # attempt
  [ ! -s "$S/stacks.$1" ] || return 0 # an order that is given again finds nobody left to ask
  said=$(($(wc -c < "$S/log.$1")))
  for p in $(members "$1"); do
    echo "= $p $(tr '\0' ' ' < "/proc/$p/cmdline" | cut -c1-100) | $(cat "/proc/$p/wchan")"
    if command -v py-spy >/dev/null; then timeout 20 py-spy dump --pid "$p"; fi
  done > "$S/stacks.$1" 2>/dev/null
  signal_all ABRT "$1"
  i=0
  while [ -n "$(members "$1")" ] && [ $i -lt 20 ]; do i=$((i + 1)); nap 0.1; done
  tail -c +$((said + 1)) "$S/log.$1" | head -c 65536 >> "$S/stacks.$1"
}
signal_all() { for p in $(members "$2"); do kill -"$1" "$p" 2>/dev/null; done; }

renew() { # attempt seconds
  stand_down "$1"
  grant "$1" "$2"
}
# At each start of the container. The old deadline may have passed while nothing ran here: whoever woke the box gets the whole
# lease to come back, and need not come at all for the billing to end.
revive() {
  seconds=
  [ -r "$S/lease" ] && read -r _ _ _ seconds < "$S/lease"
  grant "$(fence)" "\${seconds:-900}"
}
grant() { # attempt seconds
  grace=; policy=
  [ -r "$S/lease" ] && read -r _ grace policy _ < "$S/lease"
  [ -n "$policy" ] || return 0
  record lease "$(($(now) + $2)) $grace $policy $2"
  # A container that was restarted has neither a training nor anybody who would end its billing.
  if ! guarded && [ -z "$(members "$1")" ]; then
    detach sh "$S/sentinel.sh" guard "$1" </dev/null >>"$S/sentinel.log" 2>&1 &
  fi
}
guarded() {
  guard=; born=
  [ -r "$S/guard" ] && read -r guard born < "$S/guard"
  [ -n "$guard" ] && [ "$born" = "$(boot)" ] && living "$guard"
}

# alive:lease_seconds:log_bytes:boot:nonce:code:signal:oom:epoch
# Told every few seconds for days, so it starts as few processes as it can.
state() { # kind session_nonce attempt
  here=\${here:-$(boot)}
  alive=0
  if leads "$3" || [ -n "$(members "$3")" ]; then alive=1; fi
  expires=; ended=; nonce=
  [ -r "$S/lease" ] && read -r expires _ < "$S/lease"
  [ -r "$S/exit.$3" ] && read -r code signal oom at < "$S/exit.$3" && ended="$code:$signal:$oom:$at"
  [ -r "$S/nonce.$3" ] && read -r nonce < "$S/nonce.$3"
  printf '\036%s:%s:%s:%s:%s:%s:%s:%s\n' "$2" "$1" "$alive" "\${expires:+$((expires - $(now)))}" "$(($(wc -c < "$S/log.$3")))" "$here" "\${nonce:--}" "\${ended:--}"
}
# Is the first process of attempt $1 alive? Then nobody needs to search for the others.
leads() {
  leader=; born=; line=
  [ -r "$S/pid.$1" ] && read -r leader _ born _ < "$S/pid.$1"
  [ -n "$leader" ] && [ "$born" = "$here" ] && [ -r "/proc/$leader/stat" ] && read -r line 2>/dev/null < "/proc/$leader/stat" || return 1
  case "\${line##*) }" in ''|Z*|X*) return 1 ;; esac
}
follow() { # attempt offset session_nonce
  stty raw -echo 2>/dev/null
  : >> "$S/log.$1"
  state hello "$3" "$1"
  # Ends when nobody reads any more: then the write fails.
  while nap "$BEAT" && state beat "$3" "$1" 2>/dev/null; do :; done &
  # Complaints of tail share the terminal with the log, and must not.
  exec tail -c +$(($2 + 1)) -f "$S/log.$1" 2>/dev/null
}

verb=$1
shift
case "$verb" in
  start|supervise|guard|stop|renew|revive|follow) "$verb" "$@" ;;
  *) echo "unknown verb: $verb" >&2; exit 64 ;;
esac
`.replaceAll('\\${', '${');
