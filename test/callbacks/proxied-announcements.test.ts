import { expect, it } from "vitest";
import { announce, record } from "../kit/announcing.ts";
import { aGateway, twoTenants } from "../kit/gateway.ts";
import { rawOcs } from "../kit/raw-ocs.ts";

/** An address of an OCS host, as a load balancer on loopback reports it. */
const OCS = "192.0.2.10";

it.each([
  ["an OCS host behind it", { "X-Forwarded-For": OCS }, 200],
  ["an OCS host, behind what the client claims", { "X-Forwarded-For": `192.0.2.66, ${OCS}` }, 200],
  ["another host behind it", { "X-Forwarded-For": "192.0.2.66" }, 403],
  ["another host that claims to be an OCS host", { "X-Forwarded-For": `${OCS}, 192.0.2.66` }, 403],
  ["the load balancer itself", {}, 403],
])("a load balancer announces for %s", async (_, headers, status) => {
  const ocs = await rawOcs();
  const config = twoTenants(ocs.url);
  Object.assign(config.upstreams["ocs"] as object, {
    callbacks: {
      bind: "127.0.0.1:0",
      allow_from: [OCS],
      trusted_proxies: [{ from: ["127.0.0.1"], sends: "x-forwarded-for" }],
    },
  });
  for (const tenant of config.tenants as { records: string }[]) tenant.records = "pre-dial";
  const gateway = await aGateway(config);
  try {
    const url = gateway.gateway.callbacks["ocs"]!;
    expect((await announce(url, record(1), headers)).status).toBe(status);
  } finally {
    await gateway.stop();
    await ocs.close();
  }
});
