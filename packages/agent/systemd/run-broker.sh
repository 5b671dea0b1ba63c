#!/bin/sh
# The broker as a user of its own, without systemd. Run as root; the user and the group have to exist
# (see pzk-broker.service). Arguments go to `pzk-broker run`.
set -eu

user=${PZK_BROKER_USER:-pzk-broker}
group=${PZK_AGENT_GROUP:-pzk-agent}
run=${PZK_BROKER_RUN:-/run/pzk-broker}
state=${PZK_BROKER_STATE:-/var/lib/pzk-broker}
program=${PZK_BROKER_PROGRAM:-$(command -v pzk-broker)}

install -d -m 0750 -o "$user" -g "$group" "$run"
install -d -m 0700 -o "$user" -g "$group" "$state"
ulimit -c 0
umask 077
# Nothing of the environment of root goes along.
exec env -i PATH="$PATH" NODE_ENV=production \
  setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs --inh-caps=-all \
  "$program" run --socket "$run/agent.sock" --state "$state" "$@"
