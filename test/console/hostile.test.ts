/** Hostile texts of clients and of OCS, on every page that shows what others wrote. */
import { Agent, request } from "undici";
import { afterAll, beforeAll, expect, it } from "vitest";
import { basic } from "../kit/gateway.ts";
import { rawOcs, type RawOcs } from "../kit/raw-ocs.ts";
import { aBrowser, inBrowser, logIn } from "./kit/browser.ts";
import { HOSTILE } from "./kit/hostile.ts";
import { aSite, type Site } from "./kit/site.ts";
import { scrollThrough } from "./kit/table.ts";

const TEXTS = HOSTILE.map(([, text]) => text);
/** Names that a config accepts. */
const NAMES = TEXTS.filter(
  (text) => !/[\p{C}]|\$\{/u.test(text) && text.length < 200 && text.normalize("NFC") === text && text.trim() === text,
);
const LISTS = NAMES.filter((text) => !/[/\\%?#]/.test(text));

/** As bytes of a header, where it can be one. */
const inHeader = (text: string): string =>
  Buffer.from(text.slice(0, 2000), "utf8")
    .toString("latin1")
    // oxlint-disable-next-line no-control-regex -- these end a header
    .replaceAll(/[\u0000-\u001F\u007F]/g, " ");

/** The name of the other tenant. */
const IMAGE = TEXTS[4]!;

const PAGES = [
  ["/now", "Needs a look"],
  ["/tenants", IMAGE],
  ["/tenants/102?upstream=ocs", IMAGE],
  ["/dnc", "Mark handled …"],
  ["/access", "admin token"],
  ["/upstreams", "Addresses"],
  ["/exports", "New export"],
] as const;

inBrowser("hostile texts", () => {
  let ocs: RawOcs;
  let site: Site;
  /** Ids of the requests by their list. */
  const byList = new Map<string, string>();
  beforeAll(async () => {
    let answers = 0;
    ocs = await rawOcs(() => {
      const body = Buffer.from(`<html><body>${TEXTS[answers++ % TEXTS.length]!}</body></html>`);
      return (
        "HTTP/1.1 400 Bad Request\r\nServer: OCS/8.1.524.04\r\nContent-Type: text/html\r\n" +
        `Warning: 199 OCS "${inHeader(TEXTS[answers % TEXTS.length]!).replaceAll('"', "'")}"\r\n` +
        `Content-length: ${body.length}\r\n\r\n${body.toString("latin1")}`
      );
    });
    site = await aSite((config) => ({
      upstreams: { ocs: { primary: ocs.url } },
      tenants: config.tenants.map((tenant, at) =>
        at === 0
          ? { ...(tenant as object), lists: ["Alpha List", ...LISTS], campaigns: NAMES, fields: "any" }
          : { ...(tenant as object), name: IMAGE },
      ),
    }));
    const agent = new Agent();
    const send = async (target: string, userAgent: string, body: object): Promise<string> => {
      const answer = await request(site.gateway.url + target, {
        method: "POST",
        headers: {
          Authorization: basic("alpha"),
          "Content-Type": "application/json",
          "User-Agent": inHeader(userAgent),
        },
        dispatcher: agent,
        body: JSON.stringify(body),
      });
      await answer.body.dump();
      return String(answer.headers["ocsgw-request-id"]);
    };
    const phone = { GSW_PHONE: "4155550111", GSW_TZ_NAME: "PST" };
    for (const text of TEXTS) {
      const list = await send(`/lists/${encodeURIComponent(text.slice(0, 4000))}?req=AddRecord`, text, phone);
      byList.set(text, list);
      const field = { ...phone, GSW_CAMPAIGN_NAME: NAMES[0], notes: text, [text.slice(0, 60)]: "1" };
      await send("/lists/Alpha%20List?req=AddRecord", text, field);
      await send("/phones/4155550112?req=DoNotCall", text, { GSW_CALLING_LIST: text, GSW_TENANT_NAME: text });
    }
    await agent.destroy();
  }, 60_000);
  afterAll(async () => {
    await site?.stop();
    await ocs?.close();
  });
  const tabs = aBrowser(() => site);

  it(
    "are shown as text on every page, and nothing of them runs or asks another host",
    { timeout: 90_000 },
    async () => {
      // All rows at once.
      const page = await tabs.open({ viewport: { width: 1280, height: 4000 } });
      await page.addInitScript(() => {
        const violations: string[] = [];
        Object.assign(globalThis, { violations });
        document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
      });
      const ran = () =>
        page.evaluate(() => {
          const { ran: executed, violations } = globalThis as unknown as { ran?: unknown; violations: string[] };
          const FOREIGN =
            "img, script:not([src]), iframe, math, base[href*='192'], style, meta[http-equiv], form[action]";
          const elements = [...document.body.querySelectorAll(FOREIGN)].map((each) => each.outerHTML.slice(0, 100));
          const handlers = [...document.querySelectorAll("[onerror],[onload],[onclick],[onfocus],[onmouseover]")]
            .length;
          const links = [...document.querySelectorAll("a")].filter((each) => !/^https?:\/\/127/.test(each.href));
          return { executed, violations, elements, handlers, links: links.map((each) => each.href) };
        });
      const NOTHING = { executed: undefined, violations: [], elements: [], handlers: 0, links: [] };

      await logIn(page, site, "/flows");
      for (const text of LISTS) {
        const cell = page.locator(`tr[data-key="${byList.get(text)!}"] .col-subject`);
        await cell.waitFor();
        expect(await cell.textContent()).toContain(`lists/${text}`);
      }
      const { keys, faults } = await scrollThrough(page);
      expect([faults, keys.length > TEXTS.length]).toEqual([[], true]);
      expect(await ran()).toEqual(NOTHING);

      // Every flow, one after the other, with its entries opened.
      const requests = keys.filter((key) => !key.startsWith("#"));
      await page.locator(`tr[data-key="${requests[0]!}"]`).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "What happened" }).waitFor();
      let opened = 0;
      for (const id of requests) {
        await page.waitForURL(`${site.url}/flows/${id}`);
        await page
          .getByRole("region", { name: "Journal" })
          .getByText(/intent|refusal/)
          .first()
          .waitFor();
        await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
        expect([id, await ran()]).toEqual([id, NOTHING]);
        opened++;
        await page.keyboard.press("]");
      }
      expect(opened).toBeGreaterThan(2 * TEXTS.length);

      for (const [path, text] of PAGES) {
        await page.evaluate(
          (to) => (history.pushState(null, "", to), dispatchEvent(new PopStateEvent("popstate"))),
          path,
        );
        await page.waitForURL(site.url + path);
        await page.getByText(text).first().waitFor();
        expect([path, await ran()]).toEqual([path, NOTHING]);
        expect(await page.title()).toMatch(/^\w[\w -]* · ocsgw$/);
      }
    },
  );
});
