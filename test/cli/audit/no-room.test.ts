import { mkdtemp, readdir, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openSearcher, type Searcher } from "../../../src/cli/audit/searcher.ts";
import { openJournal } from "../../../src/journal/write/open-journal.ts";
import { listenForCommands, type CommandSocket } from "../../../src/journal/command-socket.ts";
import { takeLock, type Lock } from "../../../src/journal/lock/lock.ts";
import { paths } from "../../../src/journal/paths.ts";

let dir: string;
let temporary: string;
let lock: Lock;
let socket: CommandSocket | undefined;
let searcher: Searcher | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ocsgw-no-room-"));
  temporary = await mkdtemp(join(tmpdir(), "ocsgw-no-room-tmp-"));
  vi.stubEnv("TMPDIR", temporary);
  lock = await takeLock(dir, { command: "ocsgw run", role: "gateway" });
  const journal = await openJournal({ dir, durability: "flush", lock });
  await journal.append({ kind: "stop", reason: "test" });
  await journal.close();
});
afterEach(async () => {
  await searcher?.close();
  await socket?.close();
  await lock.release();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await Promise.all([dir, temporary].map((each) => rm(each, { recursive: true, force: true })));
});

const answering = async (fault: Error): Promise<void> => {
  socket = await listenForCommands(paths(dir).commands, () => Promise.reject(fault));
  searcher = await openSearcher(dir, "audit search");
};
const QUESTION = { kind: "page", filter: "kind:stop", names: [], limit: 5 } as const;

const FULL = [
  ["ENOSPC", constants.errno.ENOSPC, "no space is left on the disk"],
  // libuv has no name for EDQUOT.
  [`Unknown system error -${constants.errno.EDQUOT}`, constants.errno.EDQUOT, "the disk quota is used up"],
] as const;

it.each(FULL)(
  "a search uses a temporary index while the gateway's disk is full (%s), and says so once",
  async (code, errno, why) => {
    const said = vi.spyOn(console, "error").mockReturnValue();
    await answering(Object.assign(new Error(code), { code, errno: -errno, syscall: "write" }));
    for (let time = 0; time < 2; time++) expect((await searcher!.ask(QUESTION)).transactions).toHaveLength(1);
    expect(said.mock.calls).toEqual([
      [`the running gateway cannot write its search index (${why}); using a temporary index in ${temporary}`],
    ]);
    expect(await readdir(temporary)).toHaveLength(1);
    await searcher!.close();
    expect(await readdir(temporary)).toEqual([]);
    searcher = undefined;
  },
);

it("a search says what to do if there is no space for a temporary index either", async () => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.stubEnv("TMPDIR", "/dev/full");
  await answering(Object.assign(new Error("ENOSPC"), { code: "ENOSPC", errno: -28, syscall: "write" }));
  await expect(searcher!.ask(QUESTION)).rejects.toThrow("/dev/full");
});

it("a search reports every other error of the gateway unchanged", async () => {
  await answering(new Error("another fault"));
  await expect(searcher!.ask(QUESTION)).rejects.toMatchObject({
    name: "CommandFailed",
    message: expect.stringContaining("another fault") as string,
  });
});
