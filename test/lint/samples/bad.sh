#!/bin/bash
OCS=http://ocs1.example.internal:8080
curl -sS -u alpha-crm:Winter2025 -H 'Content-Type: application/json' -H "Content-Length: 12" \
  -d '{"GSW_TENANT_DBID": 101, "GSW_CHAIN_ATTR": "allchain"}' "$OCS/phones/4155550100?req=DoNotCall"
if ! curl --json '{"GSW_CAMPAIGN_NAME":"C","GSW_PHONE":"4155550100","GSW_TZ_NAME":"PST"}' "$OCS/lists/A?req=AddRecord"; then
  curl --json @body.json "$OCS/lists/A?req=AddRecord"
fi
curl -sS --json @one.json "$GW/lists/B?req=AddRecord" || curl -sS --json @one.json "$GW/lists/B?req=AddRecord"
curl --retry 3 --json @- "$GW/records/$HANDLE?req=AddRecord" <<'END'
{"GSW_PHONE":"4155550100"}
END
until curl -f --json @one.json "$GW/lists/C?req=AddRecord"; do sleep 5; done
curl -d '{"GSW_TENANT_DBID":101}' "$GW/customer_ids/A-0091?req=DoNotCall"
curl -H "X-Api-Key: sk_4fJq0aPz71Lw" "http://crm:hunter22@ocs-gw.example.internal/campaigngroups"
curl "$GSW_RECORD_URI?req=RecordReject" -X POST
curl "$1"
