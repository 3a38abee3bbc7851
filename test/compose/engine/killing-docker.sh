#!/bin/sh
# Stands before the real `docker` on the provider's PATH, counts its calls that change something, and kills the provider at the
# one with the number KILL_AT: once the engine has done it, and before the provider hears of it. COUNT_FILE has one line per
# call, DOCKER is the real program.
case "$1 ${2:-}" in
  create\ * | start\ * | stop\ * | rm\ * | rename\ * | update\ * | network\ connect)
    echo "$*" >>"$COUNT_FILE"
    "$DOCKER" "$@"
    status=$?
    [ "$(wc -l <"$COUNT_FILE")" -ne "$KILL_AT" ] || kill -KILL "$PPID"
    exit "$status"
    ;;
esac
exec "$DOCKER" "$@"
