#!/bin/sh
# The key comes from a file that only this user can read.
: "${GATEWAY:=https://ocs-gw.example.internal:8443}"
curl --fail --silent --user "alpha-crm:$(cat /run/secrets/ocs-key)" --json '{"GSW_TENANT_DBID":101}' \
  "$GATEWAY/phones/$1?req=DoNotCall" > reply.txt 2>&1
curl -sS -u "$CLIENT:$KEY" "$GATEWAY/campaigngroups/106" | jq .
curl -sS -X POST -H 'Content-Type: application/json' --data @- "$GATEWAY/records/$HANDLE?req=RecordReschedule" <<END
{ "GSW_DATE_TIME": "$WHEN", "GSW_CALLBACK_TYPE": "Campaign" }
END
for phone in $(cat numbers.txt); do
  curl -sS --json "{\"GSW_CAMPAIGN_NAME\":\"Alpha Campaign\",\"GSW_PHONE\":\"$phone\",\"GSW_TZ_NAME\":\"PST\"}" \
    "$GATEWAY/lists/Alpha%20List?req=AddRecord"
done
