#!/bin/bash
# Process 1 of a Spark of lab level 2; network, mounts, processes and host name are its own already.
# Says "ready" when docker and SSH can be used. When it ends, everything on the Spark ends.
# spark.sh NAME ADDRESS USER-ID FOLDER: FOLDER holds the files of the Spark, `../..` the lab's.
set -eu
name=$1 address=$2 uid=$3
cd "$4"
mount --make-rprivate /
# Bound by "." because the folder may lie below what is covered next.
exec 3<../..
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/lab
(cd /proc/self/fd/3 && mount --bind . /mnt/lab)
for place in /run /home /root; do mount -t tmpfs -o mode=755 tmpfs $place; done
mkdir -p /run/lab /run/sshd /run/store /home/user
mount --move /mnt/lab /run/lab
umount /mnt
spark=/run/lab/state/$name
mount --bind "$spark/home/user" /home/user
for file in passwd group hostname; do mount --bind "$spark/$file" "/etc/$file"; done
mount --bind "$spark/meminfo" /proc/meminfo
hostname "$name"
cd /

# The other side puts the network cards in here, then says so.
echo network
read -r _
ip link set lo up
ip address add "$address/24" dev enP7s7
ip address add "192.168.177.${address##*.}/24" dev enp1s0f0np0
ip link set enP7s7 up
ip link set enp1s0f0np0 up

cat >/run/containers.conf <<EOF
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=4096:4096"]
volumes = ["/run/lab/state:/run/lab/state"]
env = ["SPARK_LAB=$spark/"]
[engine]
runtime = "runc"
events_logger = "file"
cgroup_manager = "cgroupfs"
EOF
printf '[storage]\ndriver = "overlay"\nrunroot = "/run/containers"\ngraphroot = "/run/store"\n' \
  >/run/storage.conf
export CONTAINERS_CONF=/run/containers.conf CONTAINERS_STORAGE_CONF=/run/storage.conf
podman system service --time=0 unix:///run/docker.sock >"$spark/podman.log" 2>&1 3<&- &
/usr/sbin/sshd -D -e -f "$spark/sshd_config" 2>"$spark/sshd.log" 3<&- &
exec 3<&-
for _ in $(seq 200); do [ -S /run/docker.sock ] && break; sleep 0.05; done
chgrp "$uid" /run/docker.sock
chmod 660 /run/docker.sock
/run/lab/bin/docker load -q -i /run/lab/image.tar >&2
echo ready
# As process 1 it also sees to the ends of processes that nobody waits for.
while :; do wait || true; read -r -t 3600 _ || [ $? -gt 128 ] || exit 0; done
