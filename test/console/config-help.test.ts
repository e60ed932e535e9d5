/** Config and Help in a browser: over a config with hostile values, by keyboard, in both themes. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { aBrowser, cutTables, inBrowser, logIn, logInHere, violationsOn } from "./kit/browser.ts";
import { aSite, type Site } from "./kit/site.ts";

const HTML = '<img src=x onerror="globalThis.hit=1"><script>globalThis.hit=1</script>';
const BIDI = "evil\u202Egnp.exe";
const LONG = `long-${"x".repeat(65_536)}`;
const SECRET = "canary-index-key-of-the-browser-test";

inBrowser("Config and Help", () => {
  let site: Site;
  let file: string;
  beforeAll(async () => {
    site = await aSite((config) => ({
      identity: {
        keys: { file: "keys.yaml" },
        jwt: [
          { name: "html", issuer: HTML, audience: BIDI, jwks_uri: "http://127.0.0.1:9/keys?token=canary" },
          { name: "long", issuer: LONG, audience: "ocs", jwks_uri: "http://127.0.0.1:9/keys" },
        ],
      },
      audit: { ...(config["audit"] as object), index_key: SECRET, redact: { fields: { CUSTOMER_CODE: "token" } } },
    }));
    file = join(site.gateway.dir, "ocsgw.yaml");
  });
  afterAll(() => site.stop());
  const tabs = aBrowser(() => site);

  const open = async (path: string, options?: Parameters<typeof tabs.open>[0]): Promise<Page> => {
    const page = await tabs.open(options);
    await logIn(page, site, path);
    return page;
  };

  const expectAccessible = async (page: Page, what: string): Promise<void> => {
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme });
      expect([what, colorScheme, await violationsOn(page)]).toEqual([what, colorScheme, []]);
    }
    await page.setViewportSize({ width: 400, height: 800 });
    expect([what, await page.evaluate(() => document.documentElement.scrollWidth)]).toEqual([what, 400]);
    expect(await cutTables(page)).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 800 });
  };

  it("shows the settings in force, hostile ones as text, secrets not at all", async () => {
    const page = await open("/config");
    await page.getByText("The files on disk are in force").waitFor();
    await page.getByRole("row", { name: /listeners\[0\]\.bind/ }).waitFor();
    await page.getByText("gateway started").waitFor();
    await page.getByLabel("Search keys, values, origins and explanations").fill("identity.jwt");
    await page.waitForURL(/\/config\?find=identity\.jwt$/);
    const html = page.getByRole("row", { name: /identity\.jwt\[0\]\.issuer/ });
    await html.getByText(HTML).waitFor();
    await page
      .getByRole("row", { name: /identity\.jwt\[0\]\.audience/ })
      .getByText("evil⟨U+202E⟩gnp.exe")
      .waitFor();
    await page
      .getByRole("row", { name: /identity\.jwt\[0\]\.jwks_uri/ })
      .getByText("http://127.0.0.1:9/keys?•••")
      .waitFor();
    const long = page.getByRole("row", { name: /identity\.jwt\[1\]\.issuer/ });
    await long.getByText("4,000 characters").click();
    await long.getByText("The value is longer.").waitFor();
    await expectAccessible(page, "hostile values");
    await logIn(page, site, `/config?section=audit`);
    await page.getByRole("row", { name: /audit\.index_key.*•••.*a secret/ }).waitFor();
    const field = page.getByRole("link", { name: "Meaning of audit.redact.fields.CUSTOMER_CODE" });
    expect(await field.getAttribute("href")).toBe("/help/config/audit.redact.fields");
    const content = await page.content();
    expect([content.includes(SECRET), content.includes("token=canary")]).toEqual([false, false]);
    expect(await page.evaluate(() => (globalThis as { hit?: number }).hit)).toBeUndefined();
    await page.getByLabel("Search keys, values, origins and explanations").fill("+1 415 555 0177");
    await page.getByText("This may be a phone number").waitFor();
    expect(page.url()).not.toMatch(/0177|5550/);
  }, 60_000);

  it("shows a changed file with its problems and changes, the history, and differences", async () => {
    const original = await readFile(file, "utf8");
    const page = await open("/config?section=drain");
    await page.getByText("The files on disk are in force").waitFor();
    await writeFile(file, `${original}capaigns: []\n`);
    await page.getByRole("button", { name: "Check now" }).click();
    const row = page.getByRole("row", { name: /ocsgw\.yaml:\d+:1.*OCSGW-6101.*unknown key/ });
    await row.waitFor();
    await expectAccessible(page, "a file with problems");
    await writeFile(file, original.replace("Beta List", "Gamma List"));
    await site.gateway.gateway.reload({ by: "SIGHUP" });
    await page.reload();
    await logInHere(page, site);
    await page.getByRole("row", { name: /came into force SIGHUP.*Gamma List/ }).waitFor();
    const [to, from] = await page
      .getByRole("combobox", { name: "From" })
      .locator("option")
      .evaluateAll((options) =>
        options.map((option) => (option as HTMLOptionElement).value).filter((value) => value !== ""),
      );
    await page.getByRole("combobox", { name: "From" }).selectOption(from!);
    await page.getByRole("combobox", { name: "To" }).selectOption(to!);
    await page.getByText("Beta Tenant: list Gamma List added; list Beta List removed").last().waitFor();
    await row.waitFor({ state: "detached" });
    await logIn(page, site, `/config?from=${"f".repeat(64)}&to=${to}`);
    await page.getByText("The text of ffffffffffff is not at hand").waitFor();
    await writeFile(file, original);
  }, 60_000);

  it("explains codes, keys, metrics, events and words, each at an address of its own", async () => {
    const page = await open("/help");
    await page.getByText("Everything here works without a network.").waitFor();
    await expectAccessible(page, "/help");
    for (const [path, text] of [
      ["/help/codes/OCSGW-2103", "Flows with this code"],
      ["/help/codes/OCSGW-6101", "A problem of the config"],
      ["/help/config/audit.retention", "Its value in force"],
      [`/help/config/${encodeURIComponent("tenants[].clients.<name>.actions")}`, "Actions that the client may use"],
      ["/help/metrics/ocsgw_requests_total", "counter"],
      ["/help/events/configRejected", "Config reload rejected"],
      ["/help/glossary/lane", "one persistent connection to OCS"],
      ["/help/keys", "Go to Help"],
      ["/help/docs", "Changelog"],
      ["/help/docs/journal?at=open-do-not-calls", "Open Do-Not-Calls"],
      ["/help/docs/policy", "Policy: grants, limits, and trying them out"],
      ["/help/codes/nonsense", "There is no such entry"],
      ["/help/nonsense", "There is no such entry"],
    ] as const) {
      await page.evaluate((to) => {
        const link = Object.assign(document.createElement("a"), { href: to });
        document.body.append(link);
        link.click();
        link.remove();
      }, path);
      await page.waitForURL(site.url + path);
      await page.locator("#content").getByText(text).first().waitFor();
      if (/2103|docs\/policy/.test(path)) await expectAccessible(page, path);
    }
    // Also when the address is opened directly.
    await logIn(page, site, `/help/config/audit.retention`);
    await page.getByText("How long entries are kept").first().waitFor();
  }, 60_000);

  it("are used by keys alone, and the search finds a code in Help", async () => {
    const page = await open("/now");
    await page.locator("#content").focus();
    await page.keyboard.press("g");
    await page.keyboard.press("c");
    await page.waitForURL(`${site.url}/config`);
    await page.keyboard.press("g");
    await page.keyboard.press("h");
    await page.waitForURL(`${site.url}/help`);
    await page.getByText("Everything here works without a network.").waitFor();
    await page.keyboard.press("f");
    await page.keyboard.type("retention kept");
    await page.waitForURL(/find=retention\+kept/);
    const first = page.locator(".help-results a").first();
    await first.waitFor();
    await first.focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/help\/(?:config|docs|metrics|events)\//);
    await page.locator("#content").focus();
    await page.keyboard.press("/");
    await page.keyboard.type("OCSGW-6101");
    await page.keyboard.press("Enter");
    await page.waitForURL(`${site.url}/help/codes/OCSGW-6101`);
    const field = page.getByLabel("Search everything");
    await field.fill("4155550177");
    await page.getByText("Nothing found").waitFor();
    expect(page.url()).toBe(`${site.url}/help/codes/OCSGW-6101`);
  });
});
