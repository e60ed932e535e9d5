/** Verifies a journal in a process of its own, and tells how long it took and how much memory it ever had. */
import { verifyJournal } from "../../../src/journal/verify/verify.ts";

const before = performance.now();
const { verdict, entries } = await verifyJournal(process.argv[2]!);
process.send!({ verdict, entries, ms: performance.now() - before, rss: process.resourceUsage().maxRSS * 1024 });
