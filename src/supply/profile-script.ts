import { buildpackName } from '../buildpack/layout.ts';

export interface ProfileOptions {
  readonly sidecarFor: readonly string[];
  /** The address that the plugin uses for its sidecar when SIDECAR_ADDR is not set, as `host:port`. */
  readonly pluginAddress: string;
  /** The sidecar's health address when SIDECAR_HEALTH_ADDR is not set, in that variable's form. */
  readonly healthAddress: string;
}

/** How long SIDECAR_HOLD_APP delays an app: within the 60 s that the platform gives it to start. */
export const holdSeconds = 45;

/** How long to wait for one answer of the health server before asking again. */
export const answerSeconds = 1;

/**
 * The text of `.profile.d/meridian-sidecar.sh`, which gives the plugin its sidecar's address and, with SIDECAR_HOLD_APP, makes
 * it wait for the sidecar. Every process, sidecar, task and `cf ssh` shell sources it, some under `set -euo pipefail` of
 * another buildpack, so it never exits, never fails and never reads a variable that may be unset.
 * Bash itself asks the health server. `meridian-sidecar wait` would start a second runtime while the sidecar starts: about 80
 * MB, five times the start time of a bare runtime. The question of bash takes a twentieth of that time and no such memory.
 */
export function profileScript({ sidecarFor, pluginAddress, healthAddress }: ProfileOptions): string {
  return `# Where the plugin finds its sidecar; written by the meridian-sidecar buildpack.
export SIDECAR_ADDR="\${SIDECAR_ADDR:-${pluginAddress}}"
export MERIDIAN_SIDECAR_ADDRESS="\${MERIDIAN_SIDECAR_ADDRESS:-$SIDECAR_ADDR}"

# With SIDECAR_HOLD_APP=true the app starts once its sidecar is ready, or after ${holdSeconds} s.
meridian_sidecar_hold() { # LAUNCHER COMMAND
  [[ \${SIDECAR_HOLD_APP:-} == true && -z \${meridian_sidecar_held:-} ]] || return 0
  # The shell of cf ssh is not a launcher, the sidecar must not wait for itself, and a task has no process type.
  local sidecar='^[[:space:]]*(exec[[:space:]]+)?"?([^[:space:]"]*/)?${buildpackName}"?[[:space:]]+run[[:space:]]*$'
  [[ $1 == */launcher && ! $2 =~ $sidecar ]] || return 0
  local type='[{,][[:space:]]*"process_type"[[:space:]]*:[[:space:]]*"([^"]*)"'
  [[ \${VCAP_APPLICATION:-} =~ $type ]] || return 0
  case "\${BASH_REMATCH[1]}" in ${sidecarFor.join(' | ')}) ;; *) return 0 ;; esac
  meridian_sidecar_held=1

  local address host now start reply state
  address=\${SIDECAR_HEALTH_ADDR:-'${healthAddress}'}
  address=\${address//'\${PORT}'/\${PORT:-}}
  address=\${address//'$PORT'/\${PORT:-}}
  host=\${address%:*} host=\${host#'['} host=\${host%']'}
  # What listens on every interface listens on loopback too.
  case "$host" in '' | 0.0.0.0 | ::) host=127.0.0.1 ;; esac
  printf -v start '%(%s)T' -1
  while :; do
    reply=$(meridian_sidecar_health "$host" "\${address##*:}" 2>/dev/null) || reply=
    printf -v now '%(%s)T' -1
    state=\${reply##*$'\\n'}
    if [[ $reply == HTTP/1.?' 200 '* ]]; then
      echo "meridian-sidecar: the sidecar is $state after $((now - start)) s; the app starts"
      return 0
    elif ((now - start >= ${holdSeconds})); then
      echo "meridian-sidecar: the sidecar is \${state:-silent} at $address after ${holdSeconds} s; the app starts without it" >&2
      return 0
    fi
    # Bash itself waits: sleep may not start, with LD_PRELOAD or PATH of the app.
    read -r -t 0.2 reply <> <(:) || :
  done
}
meridian_sidecar_health() { # HOST PORT
  local reply=
  exec 3<>"/dev/tcp/$1/$2" && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 || return 1
  IFS= read -r -d '' -t ${answerSeconds} reply <&3 || :
  printf '%s' "$reply"
}
meridian_sidecar_hold "$0" "\${2:-}" || :
unset -f meridian_sidecar_hold meridian_sidecar_health
`;
}
