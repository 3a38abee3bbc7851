# Tells what the platform told this process, and then does as APP_MODE says.
name=${1:-web}
tell() { printf 'fact %s %s\n' "$1" "$2"; }

tell user "$(id -un)"
tell pwd "$PWD"
for variable in HOME DEPS_DIR TMPDIR MEMORY_LIMIT PORT VCAP_APP_PORT VCAP_APP_HOST INSTANCE_INDEX CF_INSTANCE_INDEX \
  CF_INSTANCE_ADDR SIDECAR_ADDR MERIDIAN_SIDECAR_ADDRESS PROFILE_ORDER OTHER_PROFILE; do
  tell "$variable" "${!variable-unset}"
done
tell CF_INSTANCE "$(compgen -e | grep -E '^CF_INSTANCE_' | sort | tr '\n' ' ')"
for field in process_type instance_index port host; do
  [[ $VCAP_APPLICATION =~ \"$field\":\"?([^\",}]*) ]] && tell "application.$field" "${BASH_REMATCH[1]}"
done
tell told all

trap 'echo stopping; exit 0' TERM
case $name:${APP_MODE:-run} in
  web:end) exit "${APP_EXIT:-0}" ;;
  other-agent:agent-ends) exit 0 ;;
  web:deaf) trap '' TERM ;;
esac
while :; do
  sleep 0.1 &
  wait $! || true
done
