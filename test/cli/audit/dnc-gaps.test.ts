import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { takeLock } from "../../../src/journal/lock/lock.ts";
import { ocsgw } from "../../kit/command.ts";
import { aConfigured, twoTenants } from "../../kit/gateway.ts";

let dir: string;
beforeEach(async () => {
  dir = await aConfigured(twoTenants("http://127.0.0.1:9"), ["alpha", "beta"]);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const [FROM, TO] = ["2026-11-29T12:17:43.874726Z", "2026-11-29T12:17:48.794022Z"];

it.each([
  ["lost no entry", 0, 0, /^No open Do-Not-Call: OCS has confirmed \(200\) every one/, /^$/],
  [
    "lost three entries",
    3,
    8,
    /^No open Do-Not-Call in the entries that can be read/,
    new RegExp(
      `^NOT COMPLETE: 3 entries were lost while the journal could not be written, the last between ${FROM} and ${TO}: `,
    ),
  ],
])(
  "audit dnc says whether a Do-Not-Call may be missing after a gap that %s",
  async (_what, lost, code, stdout, stderr) => {
    const audit = join(dir, "audit");
    await mkdir(audit);
    const lock = await takeLock(audit, { command: "ocsgw run", role: "gateway" });
    const journal = await openJournal({ dir: audit, durability: "flush", lock });
    await journal.append({ kind: "gap", reason: "no space is left on the disk", from: FROM, to: TO, lost });
    await journal.close();
    await lock.release();
    const ran = await ocsgw("audit", "dnc", "-c", join(dir, "ocsgw.yaml"));
    expect(ran).toMatchObject({
      code,
      stdout: expect.stringMatching(stdout) as string,
      stderr: expect.stringMatching(stderr) as string,
    });
  },
);
