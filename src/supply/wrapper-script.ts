/**
 * The text of `deps/<idx>/bin/meridian-sidecar`. It finds its runtime from its own place, because the droplet is moved
 * after staging, and gives V8 half of MEMORY_LIMIT, because the platform accounts a sidecar's memory and does not enforce it;
 * the other half is for the binary, buffers and sockets.
 */
export const wrapperScript = `#!/usr/bin/env bash
set -euo pipefail

home=$(dirname -- "$(dirname -- "$(readlink -f -- "\${BASH_SOURCE[0]}")")")/meridian

# Options that the app gives to its own Node must not reach this one.
unset NODE_OPTIONS NODE_PATH

# The C library would otherwise keep for itself what messages have given back.
export MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072 MALLOC_ARENA_MAX=2

flags=(--max-semi-space-size=2)
if [[ \${MEMORY_LIMIT:-} =~ ^([0-9]{1,9})([mMgG])[bB]?$ ]]; then
  limit_mb=$((10#\${BASH_REMATCH[1]}))
  [[ \${BASH_REMATCH[2]} == [gG] ]] && limit_mb=$((limit_mb * 1024))
  flags+=("--max-old-space-size=$((limit_mb / 2 > 32 ? limit_mb / 2 : 32))")
fi

# The long-running process loads nothing of the command line.
if [[ \${1:-} == run ]]; then
  shift
  exec "$home/node" "\${flags[@]}" "$home/sidecar.mjs" "$@"
fi
exec "$home/node" "\${flags[@]}" "$home/cli.mjs" "$@"
`;
