/**
 * The bash program that starts one process: `bash -c SCRIPT /launcher APP_DIR COMMAND`. Profile scripts of the final buildpack
 * run first, then the app's own; they see APP_DIR and COMMAND as `$1` and `$2`.
 */
export function launcherScript(entrypointPrefix = 'bash -c'): string {
  return `
cd "$1"
for profile_script in ../profile.d/* .profile.d/* .profile; do
  if [ -f "$profile_script" ]; then source "$profile_script"; fi
done
shift
exec ${entrypointPrefix} "$@"
`;
}
