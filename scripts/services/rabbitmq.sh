#!/usr/bin/env bash
# A private RabbitMQ node on loopback, for tests and trials, without systemd, as any user.
#
#   scripts/services/rabbitmq.sh FOLDER PORT [PID [CONSUMER_TIMEOUT_MS]]
#
# Keeps everything in FOLDER, listens on PORT (its nodes' own port is PORT+1), prints one line when it is ready, and
# runs until it is stopped by a signal or process PID has ended. What lies in FOLDER survives a restart.
set -euo pipefail

folder=$1 port=$2 watched=${3:-} consumer_timeout=${4:-1800000}
mkdir -p "$folder"/{data,log,home}
folder=$(cd "$folder" && pwd)
bin=/usr/lib/rabbitmq/bin
server=

stop() {
  trap - EXIT INT TERM
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait 2>/dev/null || true
}
trap stop EXIT
trap 'exit 143' INT TERM

{
  printf 'listeners.tcp.default = 127.0.0.1:%s\n' "$port"
  printf 'consumer_timeout = %s\n' "$consumer_timeout"
  printf 'disk_free_limit.absolute = 50MB\nvm_memory_high_watermark.absolute = 1GB\n'
} >"$folder/rabbitmq.conf"
echo '[].' >"$folder/plugins"
# the broker looks for overdue answers once a minute; with a short timeout it must look more often
echo "[{rabbit, [{channel_tick_interval, $((consumer_timeout < 60000 ? 1000 : 60000))}]}]." >"$folder/advanced.config"

export HOME=$folder/home LANG=C.UTF-8 ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME=tessera-$port@localhost RABBITMQ_DIST_PORT=$((port + 1)) RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_MNESIA_BASE=$folder/data RABBITMQ_LOG_BASE=$folder/log RABBITMQ_PID_FILE=$folder/pid
export RABBITMQ_CONFIG_FILE=$folder/rabbitmq RABBITMQ_ENABLED_PLUGINS_FILE=$folder/plugins
export RABBITMQ_ADVANCED_CONFIG_FILE=$folder/advanced.config
# two schedulers that do not spin: the node shares the machine with what is tested
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2:2"

"$bin/rabbitmq-server" >"$folder/log/output" 2>&1 &
server=$!
end=$((SECONDS + 120))
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
  if [ "$SECONDS" -ge "$end" ] || ! kill -0 "$server" 2>/dev/null; then
    echo "rabbitmq: did not come up; see $folder/log" >&2
    exit 1
  fi
  sleep 0.2
done
"$bin/rabbitmqctl" await_startup --timeout 60 >>"$folder/log/output" 2>&1

echo "rabbitmq: ready on amqp://127.0.0.1:$port"
while kill -0 "$server" 2>/dev/null && { [ -z "$watched" ] || kill -0 "$watched" 2>/dev/null; }; do sleep 1; done
