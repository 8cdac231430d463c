#!/bin/bash
# Plays launch-cluster.sh of spark-vllm-docker with the real docker, as its `-d --launch-script`
# does, on one Spark or, without Ray, on several. It returns before the engine has done anything,
# its `stop` always succeeds, `--help` exits with 1.
name=vllm_node image=vllm-node script='' daemon='' solo='' nodes='' more=()
usage() {
  echo "Usage: ./launch-cluster.sh [-n <node_ips>] [-t <image_name>] [--name <container_name>]" \
    "[--eth-if <if_name>] [--ib-if <if_name>] [-e VAR=VALUE] [-v <volume>] [--solo]" \
    "[--launch-script <path>] [-d] [action] [command]"
  exit 1
}
while [ $# -gt 0 ]; do
  case $1 in
    -n) nodes=$2; shift ;;
    --name) name=$2; shift ;;
    -t) image=$2; shift ;;
    -e | -v) more+=("$1" "$2"); shift ;;
    --eth-if | --ib-if) shift ;;
    --launch-script) script=$2; shift ;;
    --solo) solo=yes ;;
    -d) daemon=yes ;;
    -h | --help) usage ;;
    -*) echo "Unknown option: $1"; usage ;;
    *) break ;;
  esac
  shift
done
# on NODE WORDS...: runs them there; here for the first node. As in the real one a worker's shell
# reads them once more.
on() {
  local node=$1
  shift
  if [ "$node" = "${all[0]}" ]; then "$@"; else
    ssh -o BatchMode=yes -o ConnectTimeout=5 -o StrictHostKeyChecking=no "$node" "${*@Q}"
  fi
}
IFS=, read -ra all <<<"${nodes:-127.0.0.1}"
[ -z "$solo" ] || all=(127.0.0.1)
case ${1:-${script:+exec}} in
  stop)
    echo "Stopping cluster..."
    for node in "${all[@]}"; do on "$node" docker stop "$name" >/dev/null 2>&1; done
    echo "Cluster stopped."
    exit 0 ;;
  exec) [ -n "$script" ] && [ -n "$daemon" ] || usage ;;
  *) usage ;;
esac
# The lab's own latch: a launch waits while this file is there.
while [ -e "${SPARK_LAB}faults/launcher-hangs" ]; do sleep 0.05; done
if [ -e "${SPARK_LAB}faults/launcher-lies" ]; then exit 0; fi
for node in "${all[@]:1}"; do
  on "$node" true || { echo "Error: Passwordless SSH to $node failed."; exit 1; }
  [ "$(on "$node" docker image inspect -f '{{.Id}}' "$image")" = \
    "$(docker image inspect -f '{{.Id}}' "$image")" ] ||
    { echo "Error: Docker image mismatch on worker node $node."; exit 1; }
done
if docker ps --format '{{.Names}}' | grep -qx "$name"; then
  echo "Cluster containers are already running. Skipping launch."
else
  caches=()
  for folder in .cache/huggingface .cache/vllm .cache/flashinfer .triton; do
    for node in "${all[@]}"; do on "$node" mkdir -p "$HOME/$folder"; done
    caches+=(-v "$HOME/$folder:/root/$folder")
  done
  for node in "${all[@]}"; do
    echo "Starting Node on $node..."
    # Unquoted, as in the real one: the shell splits it at blanks.
    # shellcheck disable=SC2086
    on "$node" docker run -d --privileged --gpus all --rm --ipc=host --network host \
      --name "$name" "${caches[@]}" "${more[@]}" $VLLM_SPARK_EXTRA_DOCKER_ARGS "$image" \
      sleep infinity || exit 1
  done
fi
# The workers first; the words of a rank go to the last line of the script.
for ((rank = ${#all[@]} - 1; rank >= 0; rank--)); do
  own=''
  if [ ${#all[@]} -gt 1 ]; then
    own=" --nnodes ${#all[@]} --node-rank $rank --master-addr ${all[0]} --master-port 29501"
    [ "$rank" = 0 ] || own+=" --headless"
  fi
  printf '%s%s\n' "$(cat "$script")" "$own" |
    on "${all[rank]}" docker exec -i "$name" bash -c 'cat > /workspace/exec-script.sh' || exit 1
  on "${all[rank]}" docker exec -d "$name" \
    bash -c 'exec "$@" > /proc/1/fd/1 2>&1' bash bash /workspace/exec-script.sh
done
echo "Command dispatched in background (Daemon mode)."
