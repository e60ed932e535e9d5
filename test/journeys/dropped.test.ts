/** Where the config says that no number and no customer id is written down: what is known of open Do-Not-Calls then. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ocsgw } from "../kit/command.ts";
import { aConfigured, basic, twoTenants } from "../kit/gateway.ts";
import { startGateway, type GatewayProcess } from "../kit/gateway-process.ts";

let dir: string;
let gateway: GatewayProcess;
beforeEach(async () => {
  const base = twoTenants("http://127.0.0.1:9");
  dir = await aConfigured(
    { ...base, audit: { ...(base["audit"] as object), redact: { phone: "drop", customer_id: "drop" } } },
    ["alpha", "beta"],
  );
  gateway = await startGateway(join(dir, "ocsgw.yaml"));
});
afterEach(async () => {
  await gateway.end("SIGTERM");
  await rm(dir, { recursive: true, force: true });
});
const ask = (path: string) =>
  fetch(`http://127.0.0.1:${gateway.port}${path}?req=DoNotCall`, {
    method: "POST",
    body: "{}",
    headers: { Authorization: basic("alpha"), "Content-Type": "application/json" },
  });
const dnc = () => ocsgw("audit", "dnc", "-c", join(dir, "ocsgw.yaml"));

it(
  "one by record handle is open by its handle, and one that names nobody is not passed over",
  { timeout: 60_000 },
  async () => {
    expect(await dnc()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("No open Do-Not-Call: OCS has confirmed (200) every one") as string,
    });
    expect((await ask("/records/15")).status).toBe(503);
    expect(await dnc()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^1 open Do-Not-Call: .*\n[^]*records\/15 +Alpha Tenant +ocs/) as string,
    });
    expect((await ask("/phones/4155550100")).status).toBe(503);
    expect((await ask("/customer_ids/c-7")).status).toBe(503);
    const ran = await dnc();
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([
      8,
      expect.stringMatching(/^1 open/),
      expect.stringContaining("NOT COMPLETE: 2 Do-Not-Calls that OCS has not confirmed contain no person"),
    ]);
    expect(ran.stdout + ran.stderr).not.toMatch(/4155550100|c-7/);
  },
);
