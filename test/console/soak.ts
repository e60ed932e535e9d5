/**
 * Live flows in a browser for so many seconds, over a connection that breaks again and again:
 * `node test/console/soak.ts 600`. Exits with 1 at a violation.
 */
import { find } from "../bench/rig/machine.ts";
import { launchChromium } from "./kit/chromium.ts";
import { judgeLive } from "./kit/judge-live.ts";
import { watchLive } from "./kit/live-run.ts";
import { logIn } from "./kit/log-in.ts";
import { aRelay } from "./kit/relay.ts";
import { aSite } from "./kit/site.ts";

const PER_SECOND = 40;
/** A connection that breaks every 5 s. */
const RECONNECT_S = 5;

const soak = async (seconds: number): Promise<readonly string[]> => {
  const chromium = find("chromium");
  if (chromium === undefined) throw new Error("chromium is missing on this machine; leave it out with --live 0");
  const site = await aSite(() => ({ admin: { bind: "127.0.0.1:0", names: ["127.0.0.1:*"] } }));
  const relay = await aRelay(Number(new URL(site.url).port));
  const browser = await launchChromium(chromium);
  try {
    const page = await browser.newPage();
    await logIn(page, { url: relay.url, token: site.token }, "/flows");
    const reconnects = Math.max(1, Math.floor(seconds / RECONNECT_S));
    const figures = await watchLive({ page, relay, site, seconds, perSecond: PER_SECOND, reconnects });
    const { sent, shown, streams, before, after } = figures;
    const violations = judgeLive(figures, reconnects);
    const counts = { sent: sent.length, shown: shown.length, violations: violations.length };
    console.log(JSON.stringify({ live: seconds, ...counts, streams, before, after }));
    return violations;
  } finally {
    await browser.close();
    await relay.close();
    await site.stop();
  }
};

const seconds = Number(process.argv[2]);
if (!Number.isSafeInteger(seconds) || seconds < 1) throw new Error("expected a number of seconds");
const violations = await soak(seconds);
for (const violation of violations.slice(0, 50)) console.log(violation);
if (violations.length > 0) process.exitCode = 1;
