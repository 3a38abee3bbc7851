#!/bin/sh
# Stands before the real `docker` on the provider's PATH, counts its calls that change something, and kills the provider at the
# one with the number KILL_AT; that call is still made. COUNT_FILE has one line per call, DOCKER is the real program.
case "$1 ${2:-}" in
  create\ * | start\ * | stop\ * | rm\ * | rename\ * | update\ * | network\ connect)
    echo "$*" >>"$COUNT_FILE"
    [ "$(wc -l <"$COUNT_FILE")" -ne "$KILL_AT" ] || kill -KILL "$PPID"
    ;;
esac
exec "$DOCKER" "$@"
