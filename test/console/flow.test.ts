/** The page about one flow, in a browser: what happened, in front of a real gateway and OCS. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { aBrowser, inBrowser, logIn, violationsOn } from "./kit/browser.ts";
import { aRelay } from "./kit/relay.ts";
import { aSite, type Site } from "./kit/site.ts";

const HOSTILE = "</pre><img src=x onerror=document.title='run'>";

inBrowser("the page about one flow", () => {
  let site: Site;
  let refused: string;
  let carriedOut: string;
  let lost: string;
  let holder: string;
  let waiting: string;
  beforeAll(async () => {
    site = await aSite((config) => ({
      upstreams: { ocs: { ...config.upstreams["ocs"]!, connections: 1 } },
      admin: { bind: "127.0.0.1:0", names: ["127.0.0.1:*"] },
    }));
    refused = await site.send("/phones/4155550177?req=DoNotCall", { body: { GSW_TENANT_NAME: "Beta Tenant" } });
    const body = {
      GSW_CAMPAIGN_NAME: "Alpha Campaign",
      GSW_PHONE: "4155550101",
      GSW_TZ_NAME: "PST",
      notes: HOSTILE,
    };
    carriedOut = await site.send("/lists/Alpha%20List?req=AddRecord", { body });
    const fault = (fault: object) =>
      fetch(`${site.ocs.control}/faults`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ ...fault, count: 1 }),
      });
    await fault({ kind: "lost-reply", action: "AddRecord" });
    lost = await site.send("/lists/Alpha%20List?req=AddRecord", { body: { ...body, GSW_PHONE: "4155550102" } });
    await fault({ kind: "slow", value: "1s", action: "DoNotCall" });
    const holding = site.send("/phones/4155550110?req=DoNotCall", { client: "beta" });
    const headers = { Authorization: `Bearer ${site.token}` };
    const lanes = async () => (await fetch(`${site.url}/api/upstreams`, { headers })).text();
    await vi.waitFor(async () => expect(await lanes()).toContain('"state":"busy"'), { timeout: 10_000, interval: 20 });
    [holder, waiting] = await Promise.all([holding, site.send("/phones/4155550111?req=DoNotCall")]);
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);
  const open = async (id: string, options = {}): Promise<Page> => {
    const page = await tabs.open(options);
    await logIn(page, site, `/flows/${id}`);
    await page.getByRole("heading", { name: "What happened" }).waitFor();
    return page;
  };
  const panel = (page: Page, name: string) => page.getByRole("region", { name });

  it("says why a request was refused, what to do, and which config line decided", async () => {
    const page = await open(refused);
    expect(await panel(page, "What happened").innerText()).toMatch(
      /The gateway refused the request: the request names a tenant that this client may not act for.*not sent to OCS/s,
    );
    const decisions = await panel(page, "Decisions").innerText();
    expect(decisions).toMatch(/scope\s+✖\s+(?:refused\s+)?OCSGW-2103/);
    expect(decisions).toMatch(/Decided by tenants\[0\]\.name .*ocsgw\.yaml:\d+:\d+/);
    expect(await page.content()).not.toContain("4155550177");
  });

  it("shows the phases as bars and as numbers, the request masked, and the journal's entries", async () => {
    const page = await open(carriedOut);
    await panel(page, "Timeline").getByRole("rowheader", { name: "OCS", exact: true }).waitFor();
    await page.keyboard.press("T");
    await panel(page, "Timeline").getByRole("columnheader", { name: "Start" }).waitFor();
    const request = await panel(page, "Request, as the journal keeps it").innerText();
    expect(request).toContain("POST /lists/Alpha List?req=AddRecord");
    expect(request).toContain('"GSW_PHONE": "······0101"');
    expect(request).toContain("200 from OCS");
    await panel(page, "Journal").getByText("intent", { exact: false }).first().click();
    await panel(page, "Journal").getByText('"kind": "intent"').waitFor();
    const folded = panel(page, "Journal").getByText('"kind": "outcome"');
    expect(await folded.isVisible()).toBe(false);
    await page.emulateMedia({ media: "print" });
    await folded.waitFor();
    expect(await page.title()).toBe("Flow · ocsgw");
    expect(await page.locator("main img").count()).toBe(0);
  });

  it("says what was with OCS while a request waited for its lane", async () => {
    const page = await open(waiting);
    const row = panel(page, "Timeline").getByRole("listitem");
    expect(await row.innerText()).toMatch(/^Beta Tenant\s+DoNotCall\s+phones\/······0110[^]*for \d.* of the wait$/);
    await row.getByRole("link").click();
    await page.waitForURL(`${site.url}/flows/${holder}`);
  });

  it("proves the entries by itself, and says which step fails when an answer was changed on its way", async () => {
    const signed = await fetch(`${site.url}/api/audit/access`, {
      method: "POST",
      headers: { Authorization: `Bearer ${site.token}` },
      body: JSON.stringify({ user: "rw", operation: "search", sign: true }),
    });
    expect(signed.status).toBe(200);
    const page = await open(carriedOut);
    const proven = (text: string | RegExp) => panel(page, "Journal").getByText(text);
    await proven("included, proven here in your browser").nth(1).waitFor();
    await proven(/^signed with test\.example\/journal\+[0-9a-f]{8}$/).waitFor();
    expect(await violationsOn(page)).toEqual([]);
    let change = (reply: string): string => reply.replace('\\"GSW_CAMPAIGN_NAME\\"', '\\"GSW_CAMPAIGN_NAMF\\"');
    const relay = await aRelay(Number(new URL(site.url).port), (reply) => change(reply));
    const tampered = await tabs.open({}, relay.url);
    await logIn(tampered, { url: relay.url, token: site.token }, `/flows/${carriedOut}`);
    await panel(tampered, "Journal").getByText("not the entry that is shown here").waitFor();
    for (const [pattern, says] of [
      [/("path":\[")(.)/, "does not lead to the root"],
      [/(\/journal \S{20})(.)/, "whose signature is not valid"],
    ] as const) {
      change = (reply) =>
        reply.replace(pattern, (_, before: string, one: string) => before + (one === "0" ? "1" : "0"));
      await tampered.getByRole("button", { name: "Check again" }).click();
      await panel(tampered, "Journal").getByText(says).first().waitFor();
    }
    await tampered.context().close();
    await relay.close();
  });

  it("says that OCS may have carried out what it did not answer, and warns of a repetition", async () => {
    const page = await open(lost);
    const said = await panel(page, "What happened").innerText();
    expect(said).toMatch(/sent to OCS and got no complete answer/);
    expect(said).toMatch(/Do not send the same request again/);
    await panel(page, "Timeline").getByRole("rowheader", { name: "OCS, without an answer" }).waitFor();
    await page.locator(".outcome-no-answer").waitFor();
  });

  it("is reached and left by keys alone; the focus returns to its row", async () => {
    const page = await tabs.open();
    await logIn(page, site);
    await page.keyboard.press("g");
    await page.keyboard.press("f");
    await page.locator(`tr[data-key="${refused}"]`).waitFor();
    const focused = () => page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset["key"]);
    for (let each = 0; each < 20 && (await focused()) !== carriedOut; each++) await page.keyboard.press("j");
    expect(await focused()).toBe(carriedOut);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${site.url}/flows/${carriedOut}`);
    await page.getByRole("heading", { name: "What happened" }).waitFor();
    await page.keyboard.press("]");
    await page.waitForURL(`${site.url}/flows/${refused}`);
    await page.keyboard.press("[");
    await page.waitForURL(`${site.url}/flows/${carriedOut}`);
    await page.keyboard.press("Escape");
    await page.waitForURL(`${site.url}/flows`);
    await expect.poll(focused).toBe(carriedOut);
    await page.keyboard.press("Escape");
    const next = await site.send("/phones/4155550103?req=DoNotCall");
    await page.locator(`tr[data-key="${next}"]`).waitFor();
  });

  it("copies a ticket without a number", async () => {
    const page = await open(refused);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.keyboard.press("C");
    await page.getByRole("menuitem", { name: "Markdown for a ticket" }).click();
    const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
    await expect.poll(clipboard).toContain("**DoNotCall phones/······0177**: 403 refused here OCSGW-2103");
    expect(await clipboard()).toContain(`(${site.url}/flows/${refused})`);
  });

  it("shows the text to copy where the browser does not let a page copy", async () => {
    const page = await open(refused);
    await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await page.keyboard.press("c");
    const field = page.getByRole("textbox", { name: "Copy" });
    await field.waitFor();
    expect(
      await field.evaluate((text: HTMLTextAreaElement) => text.value.slice(text.selectionStart, text.selectionEnd)),
    ).toContain("curl -i -X POST");
  });

  it("says that there is no such flow, and lists those that begin alike", async () => {
    const page = await tabs.open();
    await logIn(page, site, "/flows/01ZZZZZZZZZZ");
    await page.getByText("No such flow").waitFor();
    await page.getByText("the journal has no request with this id").waitFor();
    const other = await tabs.open();
    await logIn(other, site, `/flows/${refused.slice(0, 6)}`);
    await other.getByRole("region", { name: "Several flows begin with this id" }).getByText(lost).waitFor();
  });

  it.each([
    ["dark", 1280],
    ["light", 400],
  ] as const)("has no accessibility fault, %s, %i px wide", async (colorScheme, width) => {
    const page = await open(lost, { colorScheme, viewport: { width, height: 800 } });
    expect(await violationsOn(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  });
});
