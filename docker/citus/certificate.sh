#!/bin/bash
# One certificate for the nodes of the cluster, made once; it is its own authority. Who has its key is a node.
set -euo pipefail
cd "${1:-/var/lib/postgresql/data}"
if [[ -e node.crt ]]; then
    exit 0
fi
umask 077
openssl req -x509 -newkey rsa:2048 -sha256 -days 3650 -nodes -subj /CN=node \
    -addext subjectAltName=DNS:coordinator.nodes,DNS:worker1,DNS:worker2 -keyout node.key -out node.crt.tmp 2> /dev/null
mv node.crt.tmp node.crt
