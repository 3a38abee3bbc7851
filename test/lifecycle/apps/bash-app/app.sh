# Tells what the platform told this process, and then does as APP_MODE says.
name=${1:-web}
tell() { printf 'fact %s %s\n' "$1" "$2"; }

tell user "$(id -un)"
tell pwd "$PWD"
for variable in HOME DEPS_DIR TMPDIR MEMORY_LIMIT PORT VCAP_APP_PORT VCAP_APP_HOST INSTANCE_INDEX CF_INSTANCE_INDEX \
  SIDECAR_ADDR MERIDIAN_SIDECAR_ADDRESS PROFILE_ORDER PREFIXED COMPILED; do
  tell "$variable" "${!variable-unset}"
done
tell CF_INSTANCE "$(compgen -e | grep -E '^CF_INSTANCE_' | sort | tr '\n' ' ')"
for field in process_type instance_index port host; do
  if [[ $VCAP_APPLICATION =~ \"$field\":\"?([^\",}]*) ]]; then tell "application.$field" "${BASH_REMATCH[1]}"; fi
done

trap 'echo stopping; exit 0' TERM
case $name:${APP_MODE:-run} in
  web:ends) exit 0 ;;
  web:fails) exit 3 ;;
  other-agent:agent-ends) exit 0 ;;
  web:deaf) trap '' TERM ;;
esac
tell told all
while :; do
  sleep 0.1 &
  wait $! || true
done
