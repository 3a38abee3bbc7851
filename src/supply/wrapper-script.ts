import { runtimeFlags } from '../buildpack/runtime-flags.ts';
import { withholdRuntimeVariables } from '../buildpack/runtime-variables.ts';

/**
 * The text of `deps/<idx>/bin/meridian-sidecar`. It finds its runtime from its own location, because the droplet is moved after
 * staging. It gives V8 half of MEMORY_LIMIT, because the platform accounts a sidecar's memory and does not enforce it; the
 * other half is for the binary, buffers and sockets. `-p` makes bash ignore BASH_ENV, SHELLOPTS and the functions of an app.
 */
export const wrapperScript = `#!/bin/bash -p
set -euo pipefail

# What the app sets for its own programs must not reach this one.
${withholdRuntimeVariables}

self=$(PATH=/usr/bin:/bin readlink -f -- "\${BASH_SOURCE[0]}")
home=\${self%/*/*}/meridian

# The C library would otherwise keep for itself what messages have given back.
export MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072 MALLOC_ARENA_MAX=2

flags=(${runtimeFlags.join(' ')})
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
