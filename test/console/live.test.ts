/**
 * Live flows in a browser, as `npm run soak` has them for ten minutes, while the connection breaks again and again.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aBrowser, inBrowser, logIn } from "./kit/browser.ts";
import { judgeLive } from "./kit/judge-live.ts";
import { watchLive, type LiveFigures } from "./kit/live-run.ts";
import { aRelay, type Relay } from "./kit/relay.ts";
import { aSite, type Site } from "./kit/site.ts";

const RUN = { seconds: 30, perSecond: 40, reconnects: 20 };

inBrowser("somebody who watches 40 flows a second", () => {
  let site: Site;
  let relay: Relay;
  beforeAll(async () => {
    site = await aSite(() => ({ admin: { bind: "127.0.0.1:0", names: ["127.0.0.1:*"] } }));
    relay = await aRelay(Number(new URL(site.url).port));
  });
  afterAll(async () => {
    await relay.close();
    await site.stop();
  });
  const tabs = aBrowser(() => site);

  it(
    "sees each once over 20 broken connections, and the memory of page and gateway stays",
    { timeout: 120_000 },
    async () => {
      const page = await tabs.open({}, relay.url);
      await logIn(page, { url: relay.url, token: site.token }, "/flows");
      const figures = await watchLive({ page, relay, site, ...RUN });
      expect(figures.sent.length).toBe(RUN.seconds * RUN.perSecond);
      expect(judgeLive(figures, RUN.reconnects)).toEqual([]);
    },
  );
});

describe("the judge of live flows", () => {
  const right: LiveFigures = {
    sent: ["a", "b", "c"],
    shown: ["a", "c", "b"],
    faults: [],
    streams: 21,
    before: { page: 100, server: 100 },
    after: { page: 101, server: 99 },
  };
  it.each<[string, Partial<LiveFigures>, readonly string[]]>([
    ["nothing", {}, []],
    ["a lost row", { shown: ["a", "c"] }, ["not shown: b"]],
    ["a row that comes twice", { shown: ["a", "b", "c", "b"] }, ["shown twice: b"]],
    ["a row of nobody", { shown: ["a", "b", "c", "d"] }, ["shown, but not sent: d"]],
    ["a connection that never broke", { streams: 1 }, ["1 streams over 20 broken connections"]],
    ["a page that grows", { after: { page: 130, server: 100 } }, ["memory of page grew from 100 to 130 bytes"]],
  ])("finds %s", (_what, change, found) => {
    expect(judgeLive({ ...right, ...change }, 20)).toEqual(found);
  });
});
