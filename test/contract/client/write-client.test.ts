import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ACTIONS as CLIENT_ACTIONS } from "../../../src/client/generated/table.ts";
import { writeClient } from "../../../src/contract/client/write-client.ts";
import { MANUAL } from "../../ocs/manual.ts";

const generated = new URL("../../../src/client/generated/", import.meta.url).pathname;

describe("the generated files of the typed client", () => {
  it("are as the action table says: node src/contract/client/write-client.ts", async () => {
    const dir = await mkdtemp(join(tmpdir(), "ocsgw-client-"));
    try {
      await writeClient(dir);
      const names = await readdir(dir);
      expect(names.toSorted()).toEqual((await readdir(generated)).toSorted());
      for (const name of names)
        expect([name, await readFile(join(generated, name), "utf8")]).toEqual([
          name,
          await readFile(join(dir, name), "utf8"),
        ]);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it("have the actions of the manual, with what each needs and whether to repeat it", () => {
    const rows = Object.values(CLIENT_ACTIONS)
      .flatMap((methods) => Object.values(methods))
      .map(({ resource, req, required, repeat }) => `${resource} ${req} ${required.toSorted().join(",")} ${repeat}`);
    expect(rows.toSorted()).toEqual(
      MANUAL.map(
        ({ resource, action, needs, repeat }) => `${resource} ${action} ${needs.toSorted().join(",")} ${repeat}`,
      ).toSorted(),
    );
  });
});
