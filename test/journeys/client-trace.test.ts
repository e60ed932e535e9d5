/** A client's trace: in the journal and what is made of it, not in what OCS gets, and never a reason to refuse. */
import { request } from "undici";
import { afterEach, expect, it } from "vitest";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { rawOcs } from "../kit/raw-ocs.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

const call = async ({ url }: TestGateway, path: string, traceparent: string): Promise<string> => {
  const headers = { authorization: basic("alpha"), traceparent, tracestate: "vendor=canary" };
  const { headers: replied, body } = await request(`${url}${path}`, { method: "POST", headers });
  await body.dump();
  return String(replied["ocsgw-request-id"]);
};

it("is in the intent or refusal and in the flow, is not sent to OCS, and is ignored when it is not valid", async () => {
  const ocs = await rawOcs();
  stops.push(() => ocs.close());
  const gateway = await aGateway({ ...twoTenants(ocs.url), admin: { bind: "127.0.0.1:0" } });
  stops.push(gateway.stop);
  const ids = [
    await call(gateway, "/phones/4155550100?req=DoNotCall", PARENT),
    await call(gateway, "/nothing", PARENT),
    await call(gateway, "/phones/4155550101?req=DoNotCall", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`),
  ];
  const entries = await gateway.journal();
  const parents = ids.map((id) => entries.find((entry) => "id" in entry && entry.id === id)) as object[];
  expect(parents.map((entry) => "traceparent" in entry && entry.traceparent)).toEqual([PARENT, PARENT, false]);
  expect(ocs.bytes()).not.toMatch(/traceparent|tracestate|canary/i);
  expect(JSON.stringify(entries)).not.toContain("canary");
  const headers = { authorization: "Bearer token" };
  const { body } = await request(`${gateway.gateway.admin}/api/flows/${ids[0]}`, { headers });
  expect(await body.json()).toMatchObject({ requests: [{ trace: TRACE }] });
});
