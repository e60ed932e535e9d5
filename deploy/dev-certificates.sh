#!/bin/sh
# Makes certificates for development: a CA, a server certificate and a client certificate. Do not use them in
# production.
#
#   sh deploy/dev-certificates.sh [-d DIR] [-c CLIENT-NAME] [SERVER-NAME|ADDRESS ...]
#
# DIR is tls by default. The server certificate covers localhost, 127.0.0.1, ::1 and the names given; the client's name
# is client-1.example.internal by default. Writes ca.crt ca.key server.crt server.key client.crt client.key; an existing
# CA in DIR is used again.
set -eu
umask 077

dir=tls client=client-1.example.internal days=90
while getopts d:c: option; do
  case $option in
    d) dir=$OPTARG ;;
    c) client=$OPTARG ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
mkdir -p "$dir"

alt_name() { # NAME: the entry of a subjectAltName
  case $1 in
    *:*|*[0-9].[0-9]*.[0-9]*.[0-9]*) printf 'IP:%s' "$1" ;;
    *) printf 'DNS:%s' "$1" ;;
  esac
}

key() { # FILE
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

if [ ! -f "$dir/ca.key" ]; then
  key "$dir/ca.key"
  openssl req -x509 -new -key "$dir/ca.key" -sha256 -days 825 -subj "/CN=ocs-gateway development CA" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -out "$dir/ca.crt"
fi

issue() { # FILE COMMON-NAME ALT-NAMES USAGE
  key "$dir/$1.key"
  request=$(mktemp) extensions=$(mktemp)
  openssl req -new -key "$dir/$1.key" -subj "/CN=$2" -out "$request"
  cat > "$extensions" <<END
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=$4
subjectAltName=$3
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
END
  openssl x509 -req -in "$request" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" \
    -set_serial "0x$(openssl rand -hex 16 | sed 's/^./4/')" -sha256 -days "$days" -extfile "$extensions" \
    -out "$dir/$1.crt" 2>/dev/null
  rm -f "$request" "$extensions"
}

names='DNS:localhost,IP:127.0.0.1,IP:::1'
for name in "$@"; do names="$names,$(alt_name "$name")"; done
issue server "${1:-localhost}" "$names" serverAuth
issue client "$client" "DNS:$client" clientAuth
chmod 0644 "$dir"/*.crt

echo "$dir: ca.crt, server.crt ($names), client.crt (DNS:$client), for $days days"
