/**
 * HAProxy, one thread: as plain proxy, and with what its users write to check an ES256 token, method, path, action and
 * rate on each request.
 */
import { openSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SERVER_NAME, type Certificates } from "../rig/certificates.ts";
import { AUDIENCE, ISSUER } from "../rig/credentials.ts";
import { find } from "../rig/machine.ts";
import { freePort, start, until } from "../rig/processes.ts";
import type { Rig, Upstream } from "../rig/rig.ts";
import { accepts } from "./nginx.ts";
import { caOf, type Peer, type StartPeer } from "./peer.ts";

type Site = {
  readonly port: number;
  readonly upstream: Upstream;
  readonly certificates: Certificates;
  readonly rules: string;
};

const tlsToClients = ({ both }: Certificates): string => `ssl crt ${both} ssl-min-ver TLSv1.3`;
const tlsToUpstream = ({ ca }: Certificates): string =>
  `ssl verify required ca-file ${ca} verifyhost ${SERVER_NAME} sni str(${SERVER_NAME}) ssl-min-ver TLSv1.3`;

/** HAProxy keeps its idle upstream connections for an hour, as the other peers do. */
const config = ({ port, upstream, certificates, rules }: Site): string => `
global
  nbthread 1
  maxconn 4096
  log stdout format raw local0
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  option http-keep-alive
  http-reuse always
frontend clients
  bind 127.0.0.1:${port} ${upstream.tls ? tlsToClients(certificates) : ""}
${rules}
  default_backend ocs
backend ocs
  server ocs 127.0.0.1:${upstream.port} pool-purge-delay 1h ${upstream.tls ? tlsToUpstream(certificates) : ""}
`;

const launch = async (
  rig: Rig,
  upstream: Upstream,
  name: string,
  rules: string,
): Promise<Peer | { missing: string }> => {
  const haproxy = find("haproxy");
  if (haproxy === undefined) return { missing: "haproxy is not on the PATH" };
  const dir = join(rig.dir, name);
  await mkdir(dir, { recursive: true });
  const port = await freePort();
  await writeFile(join(dir, "haproxy.cfg"), config({ port, upstream, certificates: rig.certificates, rules }));
  const child = start({
    command: haproxy,
    args: ["-db", "-f", join(dir, "haproxy.cfg")],
    core: rig.cores?.peer,
    stdout: openSync(join(dir, "access.log"), "a"),
  });
  await until(child, () => accepts(port));
  return { port, child, ...caOf(rig.certificates, upstream) };
};

export const startHaproxy: StartPeer = (rig, upstream) => launch(rig, upstream, "haproxy", "");

const rulesFor = (key: string): string => `
  log global
  option httplog
  http-request deny deny_status 405 unless METH_POST or METH_GET
  http-request deny deny_status 404 unless { path_beg /records/ /phones/ /customer_ids/ /lists/ /campaigngroups }
  http-request deny deny_status 401 unless { req.hdr(authorization) -m beg "Bearer " }
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request set-var(txn.iss) http_auth_bearer,jwt_payload_query('$.iss')
  http-request set-var(txn.aud) http_auth_bearer,jwt_payload_query('$.aud')
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.client) http_auth_bearer,jwt_payload_query('$.azp')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.alg) -m str ES256 }
  http-request deny deny_status 401 unless { var(txn.iss) -m str ${ISSUER} }
  http-request deny deny_status 401 unless { var(txn.aud) -m str ${AUDIENCE} }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify(txn.alg,"${key}") -m int 1 }
  acl may_write url_param(req) -m str DoNotCall RequestRecordCancel AddRecord RecordProcessed UpdateCallCompletionStats
  http-request deny deny_status 403 if METH_POST !may_write
  stick-table type string len 64 size 100k expire 10m store http_req_rate(1s)
  http-request track-sc0 var(txn.client)
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 1000000 }`;

export const startHaproxyWithTokens: StartPeer = async (rig, upstream) => {
  const key = join(rig.dir, "haproxy-issuer.pem");
  await writeFile(key, rig.issuer.publicPem);
  return launch(rig, upstream, "haproxy-tokens", rulesFor(key));
};
