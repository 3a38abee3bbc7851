/**
 * Variables that change how our runtime is loaded, what it trusts, or how V8 and Node work; a `*` stands for any rest of a name.
 * An app sets them for its own programs, so no start of ours passes them on. Sources: ld.so(8) and glibc's list of what a privileged
 * program must not read (sysdeps/generic/unsecvars.h), `node --help`, openssl-env(7), grpc-js's environment_variables.md, bash(1).
 */
const runtimeVariables: readonly string[] = [
  'LD_*',
  'GLIBC_TUNABLES',
  'MALLOC_*',
  'GCONV_PATH',
  'LOCPATH',
  'NLSPATH',
  'NODE_*',
  'UV_*',
  'ICU_DATA',
  'SSL_*',
  'SSLKEYLOGFILE',
  'OPENSSL_*',
  'GRPC_*',
  'BASH_ENV',
  'ENV',
];

/** The same as a pattern of bash's `case`. */
export const runtimeVariablePattern: string = runtimeVariables.join(' | ');

/** What stands before the name of one that was withheld, for the commands that start a program of the caller's. */
const ofCaller = 'MERIDIAN_OF_CALLER_';

/** The lines of bash that keep them from what a script starts, under their own names. */
export const withholdRuntimeVariables = `for name in $(compgen -e); do
  case $name in ${runtimeVariablePattern}) export -n "$name" && export "${ofCaller}$name=\${!name}" ;; esac
done`;

/** The environment before a script withheld something of it, for a program of the caller's: a plugin, or docker. */
export function environmentOfCaller(environment: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const own = Object.entries(environment).filter(([name]) => !name.startsWith(ofCaller));
  const withheld = Object.entries(environment).filter(([name]) => name.startsWith(ofCaller));
  return Object.fromEntries([
    ...own,
    ...withheld.map(([name, value]) => [name.slice(ofCaller.length), value] as const),
  ]);
}
