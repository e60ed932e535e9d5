/** `ocsgw snippet`: one request for OCS in the language of a client. Sends nothing, and needs no config. */
import { requestOf, sampleOf, type SnippetRequest } from "../contract/snippets/request.ts";
import { snippetsOf, type SnippetLanguage } from "../contract/snippets/snippets.ts";
import { ACTION_NAMES, ACTIONS, CATALOG, type Action } from "../ocs/catalog.ts";
import { splitTarget } from "../ocs/target.ts";
import { Violation } from "../ocs/violation.ts";
import { nearest } from "../settings/problems/did-you-mean.ts";
import { DONE, FAILED, WRONG_USAGE } from "./exit-codes.ts";

export type SnippetOptions = {
  readonly action: string;
  /** Such as /phones/4155550100; by default that of a record, list and so on of the sandbox. */
  readonly path: string | undefined;
  readonly for: SnippetLanguage;
  /** JSON; by default a usual body of the action, if `path` is left out too. */
  readonly body?: string;
  readonly json?: boolean;
};

class WrongUsage extends Error {}

/** Resolves to the exit code: 0, 1 if the language cannot send the request, 2 for what OCS would not accept. */
export const snippet = async (options: SnippetOptions): Promise<number> => {
  try {
    const action = findAction(options);
    const request = requestFor(action, options);
    const found = snippetsOf(action, request).find(({ language }) => language === options.for);
    if (!found) return complain(`${options.for} cannot send ${action.name}: VoiceXML reads XML only`, FAILED);
    if (!found.tried) process.stderr.write(`snippet: not tried on ${found.title} yet\n`);
    process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : found.text);
    return DONE;
  } catch (error) {
    if (error instanceof WrongUsage) return complain(error.message, WRONG_USAGE);
    if (error instanceof Violation) return complain(sentenceOf(error), WRONG_USAGE);
    throw error;
  }
};

const complain = (text: string, exit: number): number => {
  process.stderr.write(`snippet: ${text}\n`);
  return exit;
};

const sentenceOf = ({ message, pointer }: Violation): string =>
  pointer === undefined ? message : `${message} (${pointer})`;

/** The action of the path's resource; without a path the only one of that name. */
const findAction = ({ action: named, path }: SnippetOptions): Action => {
  const rows = ACTIONS.filter(({ name }) => name.toLowerCase() === named.toLowerCase());
  if (rows.length === 0) {
    const near = nearest(named, ACTION_NAMES);
    throw new WrongUsage(
      `${named} is no action of OCS${near === undefined ? "." : `; did you mean ${near}?`} The actions are ` +
        `${ACTION_NAMES.join(", ")}`,
    );
  }
  const resource = path === undefined ? undefined : splitTarget(path)?.path.split("/")[1];
  const [found, another] = path === undefined ? rows : rows.filter((row) => row.resource === resource);
  if (found && another === undefined) return found;
  const paths = rows.map(({ resource: each }) => `/${each}/<${CATALOG[each].identifier}>`).join(", ");
  throw new WrongUsage(
    path === undefined
      ? `${rows[0]!.name} is an action of several resources; add a path: ${paths}`
      : `${rows[0]!.name} is no action of ${path}; its paths are ${paths}`,
  );
};

const requestFor = (action: Action, { path, body }: SnippetOptions): SnippetRequest => {
  const sample = sampleOf(action);
  if (path === undefined && body === undefined) return sample;
  return requestOf(action, path ?? sample.target, body ?? (action.method === "GET" ? "" : sample.body));
};
