/** Commands about the journal: explain, audit, witness. */
import { Option, type Command } from "commander";
import { bindAddress, CONFIG, done, JSON_OUT, repeatable, wholeNumber } from "./options.ts";

const PHONE = ["--phone-stdin", "select by a phone number, read as one line from standard input"] as const;
const CUSTOMER = ["--customer-stdin", "select by a customer id, read as one line from standard input"] as const;
const PURPOSE = ["--purpose <text>", "reason, written to the journal (default: asked on a terminal)"] as const;
const SINCE = ["--since <time>", "start: for example 1h, 7d, 2026-11-22, 2026-11-22T14:00+02:00"] as const;
const NODES = [
  "--nodes",
  "ask all nodes of the shared database through the running gateway. Exit code 8: one did not answer",
] as const;
const UNTIL = ["--until <time>", "end, in the same forms"] as const;

export const addAuditCommands = (ocsgw: Command): void => {
  ocsgw
    .command("explain")
    .summary("Explain one request")
    .description(
      "Explain one request: client, decision of each stage, waits, journal entries, and the config line that decided",
    )
    .argument("<id>", "Ocsgw-Request-Id of the request, or its beginning")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .option(...NODES)
    .action(
      done(async (options, id) =>
        options.nodes
          ? (await import("../audit/nodes/explain.ts")).explainOnNodes({ ...options, id: id! })
          : (await import("../explain.ts")).explain({ ...options, id: id! }),
      ),
    );

  const audit = ocsgw.command("audit").description("Search, export and verify the journal");
  audit
    .command("search")
    .summary("Search requests and events")
    .description(
      "Search requests and events, newest first. ocsgw audit filters explains the filter language; -key:value excludes",
    )
    .argument("[filter...]", "for example 'tenant:\"Alpha Tenant\" status:>=400'")
    .option(...SINCE)
    .option(...UNTIL)
    .option("--limit <n>", "results per page (default: 50)", wholeNumber)
    .option("--cursor <next>", "continue after the page that printed this cursor")
    .option(...PHONE)
    .option(...CUSTOMER)
    .option(
      "--purpose <text>",
      "reason, written to the journal when a person is searched for (default: asked on a terminal)",
    )
    .option("--timeout <duration>", "longest time of the search (default: 1m). Exit code 8: it takes longer")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .option(...NODES)
    .action(
      done(async (options, ...words) =>
        options.nodes
          ? (await import("../audit/nodes/search.ts")).searchNodes({ ...options, words: words.flat() })
          : (await import("../audit/search.ts")).auditSearch({ ...options, words: words.flat() }),
      ),
    );
  audit
    .command("export")
    .summary("Export all results of a query to a file")
    .description(
      "Export all results of a query to a file. A bundle also contains the program and the key that verify it",
    )
    .argument("[filter...]", "same filters as audit search")
    .requiredOption(
      "--out <file>",
      "file to create; - for standard output; for a bundle a directory, or a zip file if the name ends with .zip; " +
        "with --nodes a directory with a file for each node and manifest.json",
    )
    .addOption(new Option("--as <format>", "format").choices(["ndjson", "csv", "html", "bundle"]).makeOptionMandatory())
    .option(...SINCE)
    .option(...UNTIL)
    .option(...PHONE)
    .option(...CUSTOMER)
    .option(...PURPOSE)
    .option(...CONFIG)
    .option(...JSON_OUT)
    .option(...NODES)
    .action(
      done(async (options, ...words) =>
        options.nodes
          ? (await import("../audit/nodes/export.ts")).exportNodes({ ...options, words: words.flat() })
          : (await import("../audit/export.ts")).auditExport({ ...options, words: words.flat() }),
      ),
    );
  audit
    .command("case")
    .summary("Export everything about one person")
    .description(
      "Export everything about one person (phone number, customer id and record handles joined) as a bundle with a " +
        "readable report. Exit code 8: the journal does not cover all of it",
    )
    .option(...PHONE)
    .option(...CUSTOMER)
    .option("--tenant <name>", "only this tenant: a name or a DBID")
    .requiredOption("--out <file>", "directory to create, or a zip file if the name ends with .zip")
    .option(...PURPOSE)
    .option(...CONFIG)
    .option(...JSON_OUT)
    .option(...NODES)
    .action(
      done(async (options) =>
        options.nodes
          ? (await import("../audit/nodes/export.ts")).caseOfNodes(options)
          : (await import("../audit/case.ts")).auditCase(options),
      ),
    );
  audit
    .command("dnc")
    .summary("List open Do-Not-Calls")
    .description(
      "List open Do-Not-Calls: requests that OCS has not confirmed with 200 yet, by number, tenant and scope",
    )
    .option(...CONFIG)
    .option(...JSON_OUT)
    .option(
      "--handled <id>",
      "note that the Do-Not-Call with this request id (its last attempt) was handled by other means; it stays " +
        "listed, counted separately",
    )
    .option("--note <text>", "with --handled: how it was handled, without phone numbers")
    .option(...NODES)
    .action(
      done(async (options) =>
        options.nodes
          ? (await import("../audit/nodes/dnc.ts")).dncOfNodes(options)
          : (await import("../audit/dnc.ts")).auditDnc(options),
      ),
    );
  audit
    .command("retention")
    .description("Show whether the running gateway deletes expired segments, and why not")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .option(
      "--confirm-clock",
      "confirm that this machine's clock is right. After the clock jumped forward by a day or more, or the gateway " +
        "was off for as long, nothing is deleted until this confirmation",
    )
    .action(done(async (options) => (await import("../audit/retention.ts")).auditRetention(options)));
  audit
    .command("filters")
    .description("Explain the filter language: all keys, and how terms are combined")
    .action(done(async () => (await import("../audit/filters.ts")).auditFilters()));
  audit
    .command("verify")
    .summary("Verify the journal's integrity")
    .description("Verify the journal's integrity, offline. Exit code 7: broken. 8: cannot tell")
    .argument("[path]", "directory of a journal, one segment, or a bundle (default: the journal of the config)")
    .option(
      "--key <pub>",
      "verifier key of the checkpoints, or a file with it; needed with a path, because a key stored beside the " +
        "journal proves nothing",
    )
    .addOption(
      repeatable(
        "--witness <key>",
        "verifier key of a witness, or a file with keys (default: the config's, without a path)",
      ),
    )
    .option("--require-witnesses", "exit with code 8 if fewer witnesses than the quorum cosigned a recent checkpoint")
    .option("--quorum <n>", "number of witnesses that must cosign (default: the config's, or 1)", wholeNumber)
    .option(
      "--timestamp-ca <file>",
      "PEM file with the certificates of the time stamping authority (default: the config's, without a path)",
    )
    .addOption(
      repeatable(
        "--kept <file>",
        "signed checkpoint from another place, for example from a witness's state, to compare the journal with",
      ),
    )
    .option(
      "--since-mark",
      "verify only what follows the running gateway's mark, up to which it verified everything itself",
    )
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options, path) => (await import("../audit/verify.ts")).verify({ ...options, path })));
  audit
    .command("set-aside")
    .summary("Move a damaged segment out of the journal")
    .description(
      "Move a damaged segment out of the journal and record what, why and by whom. Nothing is deleted; answers " +
        "about its time are incomplete from then on",
    )
    .argument("<segment...>", "file name of the segment, or the index of its first entry, as audit verify prints it")
    .option(...PURPOSE)
    .option("--yes", "do not ask for confirmation")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(
      done(async (options, segments) =>
        (await import("../audit/set-aside.ts")).auditSetAside({
          ...options,
          segments: segments as unknown as readonly string[],
        }),
      ),
    );
  audit
    .command("accept-restore")
    .summary("Accept a journal that was restored or moved")
    .description(
      "Accept a journal that was restored from a backup or moved on purpose, while the gateway is stopped. The " +
        "journal records it and is signed from there on. With --node: cosign the journal that another gateway has " +
        "now, while this one runs",
    )
    .option("--node <name>", "another gateway that shares the database")
    .option("--purpose <text>", "reason, written to the journal")
    .option(...CONFIG)
    .option(...JSON_OUT)
    .action(done(async (options) => (await import("../audit/accept-restore.ts")).auditAcceptRestore(options)));

  ocsgw
    .command("witness")
    .summary("Run a witness that cosigns the checkpoints of journals")
    .description(
      "Run a witness that cosigns checkpoints of journals (C2SP tlog-witness), on an auditor's machine. It rejects " +
        "a checkpoint that does not continue the last one. Plain HTTP: put a reverse proxy with TLS in front",
    )
    .requiredOption("--key <file>", "PEM file with the witness's Ed25519 private key; created if it is missing")
    .requiredOption("--state <dir>", "directory for the last cosigned checkpoints; for one process at a time")
    .requiredOption(
      "--bind <address>",
      "address and port to listen on, for example 127.0.0.1:7654; port 0: a free port",
      bindAddress,
    )
    .option(
      "--name <name>",
      "name in cosignatures, for example witness.example.com/audit (default: witness.<host>, kept after the first " +
        "start)",
    )
    .addOption(
      repeatable(
        "--log <key>",
        "verifier key of a journal to cosign (a line of its checkpoint.pub), or a file with keys; logs.txt in " +
          "--state can also list them",
      ),
    )
    .action(done(async (options) => (await import("../witness.ts")).witness(options)));
};
