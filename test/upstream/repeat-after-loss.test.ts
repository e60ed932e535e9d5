/**
 * OCS's connections end while a request is under way. Its reply must not call it safe to send again once all of them
 * have: OCS may have begun another life, in which the handle is another record's.
 */
import { afterEach, describe, expect, it } from "vitest";
import { announce, record } from "../kit/announcing.ts";
import { aGateway, basic, twoTenants, type TestGateway } from "../kit/gateway.ts";
import { OK, rawOcs, type RawConnection, type RawOcs } from "../kit/raw-ocs.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Way = (connection: RawConnection) => void;
const WAYS: readonly (readonly [how: string, end: Way])[] = [
  ["by a reset", ({ tcp }) => void tcp.resetAndDestroy()],
  ["in order", ({ tcp }) => void tcp.end()],
  ["at once", ({ tcp }) => void tcp.destroy()],
];
const ROWS = (["pre-dial", "unscoped"] as const).flatMap((records) =>
  WAYS.flatMap(
    ([how, end]) =>
      [
        [records, "all", how, end, "no"],
        [records, "its own", how, end, "safe"],
      ] as const,
  ),
);

const begin = async (records: string, ocs: RawOcs): Promise<TestGateway> => {
  const config = twoTenants(ocs.url);
  Object.assign(config.upstreams["ocs"] as object, {
    callbacks: { bind: "127.0.0.1:0", allow_from: ["127.0.0.1/32"] },
  });
  const gateway = await aGateway({
    ...config,
    tenants: config.tenants.map((tenant) => ({ ...(tenant as object), records })),
  });
  stops.push(gateway.stop);
  return gateway;
};

describe("the reply to a request whose connection ends", () => {
  it.each(ROWS)("under %s, where %s of them end %s", async (records, which, _how, end, repeat) => {
    const ocs = await rawOcs();
    stops.push(ocs.close);
    ocs.script = ({ head, connection }) => {
      if (!head.includes("RecordReject")) return OK;
      for (const each of which === "all" ? ocs.connections : [connection]) end(each);
      return undefined;
    };
    const gateway = await begin(records, ocs);
    expect((await announce(gateway.gateway.callbacks["ocs"]!, record(15))).status).toBe(200);
    const reply = await fetch(`${gateway.url}/records/15?req=RecordReject`, {
      method: "POST",
      headers: { authorization: basic("alpha") },
    });
    expect([reply.headers.get("ocsgw-code"), reply.headers.get("ocsgw-repeat")]).toEqual(["OCSGW-4102", repeat]);
  });
});
