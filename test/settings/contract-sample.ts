const ON_RECORDS =
  "RecordProcessed, RecordReject, RecordReschedule, UpdateCallCompletionStats, AddRecord, DoNotCall, " +
  "RequestRecordCancel";
const ON_GROUPS = "Load, StartDialing, SetDialingMode, StopDialing, Unload, ReadStatus";

/** The config of the contract, as it is shown there: whoever changes a default must change it there too. */
export const CONTRACT = `version: 1
listeners:
  - name: clients
    bind: 0.0.0.0:8443
    names: [ocs-gw.example.internal]
    tls:
      cert: tls/server.crt
      key: tls/server.key
      min_version: "1.2"
      client_ca: tls/clients-ca.crt
      client_certificates: request
    allow_from: [10.0.0.0/8]
    errors: auto
    max_body: 64KiB
identity:
  jwt:
    - name: corp-idp
      issuer: https://idp.example.com/
      audience: ocs-gateway
      jwks_uri: https://idp.example.com/jwks.json
      algorithms: [RS256, ES256]
      clock_skew: 30s
      claims: { client: azp, tenant: ocs_tenant }
  mtls:
    - { name: internal-ca, san_dns: "ors-*.example.internal", client: ors-main }
  keys:
    file: keys.yaml
    carriers: [basic, "header:X-Api-Key"]
upstreams:
  ocs-main:
    primary: https://ocs1.example.internal:8443
    backup: https://ocs2.example.internal:8443
    connections: 4
    lane_isolation: tenant
    tls: { ca: tls/ocs-ca.crt, cert: ~, key: ~, server_name: ~ }
    timeouts: { connect: 2s, answer: 15s }
    queue: { max: 200, max_wait: 5s }
    aliases: ["ocs.example.internal:8080"]
    callbacks: { bind: 0.0.0.0:8444, allow_from: [10.0.0.5/32], validator: ~ }
tenants:
  - name: Alpha Tenant
    dbid: 101
    upstream: ocs-main
    mode: enforce
    clients:
      ors-main: { actions: [${ON_RECORDS}] }
      alpha-ops: { actions: [${ON_GROUPS}], campaign_groups: [106] }
    campaigns: [Alpha Campaign]
    campaign_groups:
      - { dbid: 106, name: "Alpha Campaign@Alpha Agents", campaign_id: 139, group_id: 234 }
    lists: [Alpha List]
    records: pre-dial
    fields: any
    limits:
      requests: { rate: 50/s, burst: 100 }
      actions: { AddRecord: { rate: 20/s, burst: 40 } }
    share: 1
audit:
  dir: ./audit
  on_failure: refuse
  durability: flush
  redact: { phone: last4, customer_id: token, fields: { CUSTOMER_CODE: token }, others: drop }
  index_key: \${file:secrets/index.key}
  checkpoint: { key: secrets/checkpoint.pem, origin: ocsgw.example.com/main, every: 60s }
  retention: 1855d
admin:
  bind: 127.0.0.1:9640
  tls: none
  users: { file: admins.yaml }
`;

/** The same with names, addresses, paths and secrets alone: everything else must come out as above. */
export const MINIMAL = `listeners:
  - name: clients
    bind: 0.0.0.0:8443
    tls: { cert: tls/server.crt, key: tls/server.key }
identity:
  jwt:
    - { name: corp-idp, issuer: "https://idp.example.com/", audience: ocs-gateway, jwks_uri: "https://idp.example.com/jwks.json" }
  keys: { file: keys.yaml }
upstreams:
  ocs-main: { primary: "https://ocs1.example.internal:8443" }
tenants:
  - { name: Alpha Tenant, dbid: 101, upstream: ocs-main }
audit:
  dir: ./audit
  index_key: \${file:secrets/index.key}
  checkpoint: { key: secrets/checkpoint.pem, origin: ocsgw.example.com/main }
admin:
  bind: 127.0.0.1:9640
`;
