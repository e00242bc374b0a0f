#!/usr/bin/env bash
# A private S3 server that enforces permissions, for tests and trials: Ceph's object gateway over one in-memory store,
# on loopback, without systemd, as any user.
#
#   scripts/services/s3.sh FOLDER PORT [PID]
#
# Keeps everything in FOLDER (emptied first), listens on PORT (the monitor on PORT+1), prints one line when it is ready,
# and runs until it is stopped by a signal or process PID has ended. FOLDER/pids lists its processes.
#
# Accounts: owner (OWNERKEY/ownersecret), which may do all in its buckets; its restricted keys ROKEY/rosecret (read
# only) and WOKEY/wosecret (write only); and stranger (OTHERKEY/othersecret), who owns nothing.
set -euo pipefail

folder=$1 port=$2 watched=${3:-}
monitor_port=$((port + 1))
rm -rf "$folder"
mkdir -p "$folder"/{mon,osd,run,log}
folder=$(cd "$folder" && pwd)
pids=()

stop() {
  trap - EXIT INT TERM
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
}
trap stop EXIT
trap 'exit 143' INT TERM

begin() { # begin NAME COMMAND…: starts a server whose output goes to the log folder
  local name=$1
  shift
  "$@" >"$folder/log/$name.out" 2>&1 &
  pids+=($!)
  printf '%s\n' "${pids[@]}" >"$folder/pids"
}

await() { # await WHAT COMMAND…: tries for a minute
  local what=$1 end=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || {
      echo "s3: $what did not come up; see $folder/log" >&2
      exit 1
    }
    sleep 0.2
  done
}

configure() {
  export CEPH_CONF=$folder/ceph.conf
  touch "$folder/keyring"
  {
    printf '[global]\nfsid = %s\n' "$cluster"
    printf 'mon_host = v2:127.0.0.1:%s\npublic_addr = 127.0.0.1\ncluster_addr = 127.0.0.1\n' "$monitor_port"
    printf 'auth_%s_required = none\n' cluster service client
    printf 'ms_%s_mode = crc\n' mon_cluster mon_service mon_client client cluster service
    printf 'osd_pool_default_%s = 1\n' size min_size pg_num pgp_num
    printf 'osd_pool_default_pg_autoscale_mode = off\nmon_allow_pool_size_one = true\nosd_crush_chooseleaf_type = 0\n'
    printf 'run_dir = %s/run\nadmin_socket = %s/run/$name.asok\n' "$folder" "$folder"
    printf 'log_file = %s/log/$name.log\nkeyring = %s/keyring\n' "$folder" "$folder"
    printf 'mon_data = %s/mon\nosd_data = %s/osd\n' "$folder" "$folder"
    printf 'osd_objectstore = memstore\nmemstore_device_bytes = 6442450944\nosd_fast_shutdown = true\n'
    printf 'mon_data_avail_warn = 2\nmon_data_avail_crit = 1\n'
    printf '[client.rgw]\nrgw_data = %s\nrgw_frontends = beast endpoint=127.0.0.1:%s\n' "$folder" "$port"
    printf 'rgw_thread_pool_size = 32\nrgw_enable_gc_threads = false\nrgw_enable_lc_threads = false\n'
  } >"$CEPH_CONF"
}

cluster=$(cat /proc/sys/kernel/random/uuid)
configure
monmaptool --create --addv a "[v2:127.0.0.1:$monitor_port]" --fsid "$cluster" "$folder/monmap" >/dev/null
ceph-mon --mkfs -i a --monmap "$folder/monmap" 2>"$folder/log/mkfs.out"
begin mon ceph-mon -i a -f
disk=$(cat /proc/sys/kernel/random/uuid)
await 'the monitor' timeout 20 ceph --connect-timeout 15 osd new "$disk"
ceph-osd -i 0 --mkfs --osd-uuid "$disk" >>"$folder/log/mkfs.out" 2>&1
begin osd ceph-osd -i 0 -f
ceph osd crush add osd.0 1.0 root=default host=localhost >/dev/null 2>&1 || true
await 'the store' sh -c "ceph osd stat | grep -q '1 up'"
begin rgw radosgw -n client.rgw -f
await 'the gateway' curl -s -o /dev/null "http://127.0.0.1:$port/"

account() { radosgw-admin "$@" >/dev/null 2>>"$folder/log/admin.out"; }
account user create --uid=owner --display-name=owner --access-key=OWNERKEY --secret=ownersecret
account subuser create --uid=owner --subuser=owner:ro --access=read --key-type=s3 --access-key=ROKEY --secret=rosecret
account subuser create --uid=owner --subuser=owner:wo --access=write --key-type=s3 --access-key=WOKEY --secret=wosecret
account user create --uid=stranger --display-name=stranger --access-key=OTHERKEY --secret=othersecret

echo "s3: ready on http://127.0.0.1:$port"
while [ -z "$watched" ] || kill -0 "$watched" 2>/dev/null; do sleep 1; done
