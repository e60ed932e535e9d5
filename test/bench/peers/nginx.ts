/** nginx, one worker: as plain proxy, and with njs that verifies an ES256 token on each request. */
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SERVER_NAME, type Certificates } from "../rig/certificates.ts";
import { AUDIENCE, ISSUER } from "../rig/credentials.ts";
import { find } from "../rig/machine.ts";
import { freePort, start, until } from "../rig/processes.ts";
import type { Rig, Upstream } from "../rig/rig.ts";
import { caOf, type Peer, type StartPeer } from "./peer.ts";

const MODULE = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules", "/etc/nginx/modules"]
  .map((folder) => join(folder, "ngx_http_js_module.so"))
  .find(existsSync);

type Site = {
  readonly name: string;
  readonly port: number;
  readonly upstream: Upstream;
  readonly main?: string;
  readonly http: string;
  readonly server: string;
};

const tlsOf = ({ cert, key, ca }: Certificates): string => `
  ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3;
  proxy_ssl_verify on; proxy_ssl_trusted_certificate ${ca}; proxy_ssl_name ${SERVER_NAME};
  proxy_ssl_protocols TLSv1.3;`;

const config = ({ port, upstream, main = "", http, server }: Site, certificates: Certificates): string => `
worker_processes 1; daemon off; pid nginx.pid; error_log stderr crit; ${main}
events { worker_connections 4096; }
http {
  client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_timeout 1h; keepalive_requests 1000000000; tcp_nodelay on;
  upstream ocs { server 127.0.0.1:${upstream.port}; keepalive 64; keepalive_requests 1000000000; keepalive_timeout 1h; }
  proxy_http_version 1.1; proxy_set_header Connection "";
  ${upstream.tls ? tlsOf(certificates) : ""}
  ${http}
  server { listen 127.0.0.1:${port} ${upstream.tls ? "ssl " : ""}backlog=1024; ${server} }
}
`;

const launch = async (rig: Rig, site: Site): Promise<Peer | { missing: string }> => {
  const nginx = find("nginx");
  if (nginx === undefined) return { missing: "nginx is not on the PATH" };
  const dir = join(rig.dir, site.name);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "nginx.conf"), config(site, rig.certificates));
  const child = start({ command: nginx, args: ["-p", dir, "-c", join(dir, "nginx.conf")], core: rig.cores?.peer });
  await until(child, () => accepts(site.port));
  return { port: site.port, child, ...caOf(rig.certificates, site.upstream) };
};

export const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => resolve(true))
      .on("error", () => resolve(false))
      .on("connect", () => socket.destroy());
  });

const passTo = ({ tls }: Upstream): string => `proxy_pass ${tls ? "https" : "http"}://ocs;`;

export const startNginx: StartPeer = async (rig, upstream) => {
  const server = `location / { ${passTo(upstream)} }`;
  return launch(rig, { name: "nginx", port: await freePort(), upstream, http: "access_log off;", server });
};

export const startNginxWithTokens: StartPeer = async (rig, upstream) => {
  if (MODULE === undefined) return { missing: "nginx has no njs module here (Debian: libnginx-mod-http-js)" };
  const dir = join(rig.dir, "nginx-njs");
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "token.js"), script(rig.issuer.publicPem));
  return launch(rig, {
    name: "nginx-njs",
    port: await freePort(),
    upstream,
    main: `load_module ${MODULE};`,
    http: `js_path ${dir}; js_import token from token.js; access_log ${dir}/access.log;
      limit_req_zone $http_authorization zone=clients:10m rate=1000000r/s; limit_req zone=clients burst=1000 nodelay;`,
    server: `location ~ ^/(records|phones|customer_ids|lists|campaigngroups)/ {
        limit_except GET POST { deny all; } js_content token.check;
      }
      location @ocs { ${passTo(upstream)} }
      location / { return 404; }`,
  });
};

const script = (publicPem: string): string => `
const spki = Buffer.from("${publicPem.replace(/-----[^-]+-----|\s/g, "")}", "base64");
const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
async function check(r) {
  try {
    const parts = r.headersIn.Authorization.slice(7).split(".");
    const claims = read(parts[1]);
    const named = read(parts[0]).alg === "ES256" && claims.iss === "${ISSUER}" &&
      claims.aud === "${AUDIENCE}" && claims.exp > Date.now() / 1000;
    if (!named) return r.return(401);
    const key = await crypto.subtle.importKey("spki", spki, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    const signature = Buffer.from(parts[2], "base64url");
    const signed = parts[0] + "." + parts[1];
    const holds = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, signed);
    if (holds) r.internalRedirect("@ocs");
    else r.return(401);
  } catch (e) {
    r.error(String(e));
    r.return(401);
  }
}
export default { check };
`;
