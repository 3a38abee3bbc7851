/**
 * Variables that change how our runtime is loaded, what it trusts, or how V8 and Node work; a `*` means any rest of a name. An
 * app sets them for its own programs, so our start scripts do not pass them on. Sources: ld.so(8) and glibc's list of variables
 * that a privileged program must not read (sysdeps/generic/unsecvars.h), `node --help`, openssl-env(7), grpc-js's
 * environment_variables.md, bash(1).
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

/** The prefix of a withheld variable's name, for commands that start a program of the caller. */
const ofCaller = 'MERIDIAN_OF_CALLER_';

/** Lines of bash that rename these variables, so that programs of the script do not get them. */
export const withholdRuntimeVariables = `for name in $(compgen -e); do
  case $name in ${runtimeVariablePattern}) export -n "$name" && export "${ofCaller}$name=\${!name}" ;; esac
done`;

/** The environment before a script renamed variables, for a program of the caller: a plugin, or docker. */
export function environmentOfCaller(environment: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv {
  const own = Object.entries(environment).filter(([name]) => !name.startsWith(ofCaller));
  const withheld = Object.entries(environment).filter(([name]) => name.startsWith(ofCaller));
  return Object.fromEntries([
    ...own,
    ...withheld.map(([name, value]) => [name.slice(ofCaller.length), value] as const),
  ]);
}
