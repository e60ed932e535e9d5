import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { configShow, type ShowOptions } from "../../../src/cli/config/show.ts";

const SECRET = "a-secret-that-nobody-may-see";
const CONFIG = `version: 1
listeners:
  - { name: clients, bind: "\${BIND:-127.0.0.1:8443}", tls: none }
upstreams:
  ocs-main: { primary: "https://\${OCS_HOST}:8443", connections: 2 }
tenants:
  - name: Alpha Tenant
    dbid: 101
    upstream: ocs-main
    clients:
      crm: { actions: [DoNotCall] }
audit:
  index_key: @KEY@
  checkpoint: { key: "\${file:secrets/name}.pem", origin: example.com/main }
`;

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-show-"));
  file = join(dir, "ocsgw.yaml");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const written = (key = `"\${file:secrets/index.key}"`): Promise<void> => writeFile(file, CONFIG.replace("@KEY@", key));

const shown = async (
  options: Partial<ShowOptions> = {},
): Promise<{ code: number; text: string; complaint: string }> => {
  let text = "";
  const complaints = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const errors = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    const code = await configShow(
      { config: file, key: undefined, ...options },
      { stdout: { write: (part: string) => (text += part) }, env: { OCS_HOST: "ocs1.internal", INDEX_KEY: SECRET } },
    );
    const complaint = [...complaints.mock.calls, ...errors.mock.calls].flat().join("\n");
    return { code, text: text.replaceAll(file, "ocsgw.yaml"), complaint };
  } finally {
    complaints.mockRestore();
    errors.mockRestore();
  }
};

describe("config show", () => {
  it("shows the settings as the file has them, with the names of variables and files", async () => {
    await written();
    expect((await shown()).text.split("\n").slice(0, 5)).toEqual([
      "version: 1",
      "listeners[0].name: clients",
      "listeners[0].bind: ${BIND:-127.0.0.1:8443}",
      "listeners[0].tls: none",
      "upstreams.ocs-main.primary: https://${OCS_HOST}:8443",
    ]);
    expect((await shown({ key: "audit" })).text).toBe(
      "audit.index_key: ${file:secrets/index.key}\n" +
        "audit.checkpoint.key: ${file:secrets/name}.pem\n" +
        "audit.checkpoint.origin: example.com/main\n",
    );
  });

  it("fills in variables and defaults when resolved", async () => {
    await written();
    const { text } = await shown({ resolved: true });
    expect(text).toContain("\nlisteners[0].bind: 127.0.0.1:8443\n");
    expect(text).toContain("\nupstreams.ocs-main.queue.max: 200\n");
    expect(text).toContain("\naudit.index_key: •••\n");
  });

  it("says where each value is from", async () => {
    await written();
    const { text } = await shown({ resolved: true, origin: true });
    for (const line of [
      "listeners[0].name: clients  # ocsgw.yaml:3:13",
      "listeners[0].bind: 127.0.0.1:8443  # ocsgw.yaml:3:28, variable BIND (not set)",
      "upstreams.ocs-main.primary: https://ocs1.internal:8443  # ocsgw.yaml:5:24, variable OCS_HOST",
      "upstreams.ocs-main.queue.max: 200  # default",
      "audit.index_key: •••  # ocsgw.yaml:13:14, file secrets/index.key",
    ])
      expect(text.split("\n")).toContain(line);
  });

  it.each([
    ["as a literal", SECRET, "•••"],
    ["as the default of a variable", `"\${UNSET:-${SECRET}}"`, "${UNSET:-•••}"],
    ["around a variable", `"${SECRET}\${BIND:-x}${SECRET}"`, "•••${BIND:-•••}•••"],
    ["in a variable", `"\${INDEX_KEY}"`, "${INDEX_KEY}"],
    ["in a map by mistake", `{ value: ${SECRET} }`, "•••"],
    ["in a list of epochs", `[ { id: 1, value: ${SECRET} } ]`, "•••"],
  ])("shows no secret that is written %s", async (_, key, asWritten) => {
    await written(key);
    for (const options of [{}, { resolved: true }, { origin: true, resolved: true }, { json: true, resolved: true }])
      expect((await shown(options)).text).not.toContain(SECRET);
    expect((await shown({ key: "audit.index_key" })).text).toContain(`: ${asWritten}\n`);
  });

  it("shows one section, and not a setting whose name begins like it", async () => {
    await written();
    const { text } = await shown({ key: "tenants[0].clients" });
    expect(text).toBe("tenants[0].clients.crm.actions: [DoNotCall]\n");
    expect((await shown({ key: "tenants[0].client" })).code).toBe(2);
  });

  it("gives the same as JSON, for programs", async () => {
    await written();
    const { text } = await shown({ key: "upstreams.ocs-main.primary", resolved: true, origin: true, json: true });
    expect(JSON.parse(text)).toEqual([
      {
        key: "upstreams.ocs-main.primary",
        value: "https://ocs1.internal:8443",
        hidden: null,
        origin: "variable",
        sources: [{ kind: "variable", name: "OCS_HOST", isSet: true }],
        at: { file: "ocsgw.yaml", line: 5, column: 24 },
      },
    ]);
  });

  it("names the file of a tenant of tenants.d", async () => {
    await written();
    await mkdir(join(dir, "tenants.d"));
    await writeFile(join(dir, "tenants.d/beta.yaml"), "- name: Beta Tenant\n  dbid: 102\n");
    expect((await shown({ key: "tenants[1].dbid", origin: true })).text.replace(dir, "")).toBe(
      "tenants[1].dbid: 102  # /tenants.d/beta.yaml:2:9\n",
    );
  });

  it("keeps a value with a line break on one line", async () => {
    await writeFile(file, 'version: 1\nlisteners:\n  - name: "two\\nlines"\n');
    expect((await shown({ key: "listeners" })).text.split("\n")).toHaveLength(2);
  });

  it.each([
    ["is not YAML", "version: [1\n"],
    ["is empty", ""],
    ["does not exist", undefined],
  ])("says why when the file %s", async (_, text) => {
    if (text !== undefined) await writeFile(file, text);
    const { code, text: output, complaint } = await shown();
    expect({ code, output }).toEqual({ code: 3, output: "" });
    expect(complaint).toMatch(/OCSGW-\d{4}/);
  });
});
