/** The embedded OCS as the console's page Sandbox sees it: its view, and commands of its control API. */
import type { Rejection, SandboxControl } from "../../admin/api/sandbox.ts";
import { ControlError } from "../../sandbox/control/error.ts";
import type { SandboxOcs } from "../../sandbox/start.ts";
import { inShell } from "../../common/shell-word.ts";
import { readyTenants } from "./config.ts";

type Options = {
  readonly ocs: SandboxOcs;
  /** URL of the gateway; undefined before it listens. */
  readonly gateway: () => string | undefined;
};

export const createConsoleControl = ({ ocs, gateway }: Options): SandboxControl => {
  const { view } = ocs;
  /** The result of a command, or why the control API rejects it. */
  const ask = async <Result>(name: string, body?: unknown, id?: string): Promise<Result | Rejection> => {
    try {
      return (await ocs.command(name, body, id)) as Result;
    } catch (error) {
      if (!(error instanceof ControlError) || error.status === 403) throw error;
      return { rejected: { status: error.status, error: error.message } };
    }
  };
  return {
    state: () => {
      const { instances, ...state } = view.state();
      return {
        ...state,
        instances: instances.map((each) => ({ ...each, ...ocs[each.instance] })),
        control: ocs.control,
        examples: examplesFor(gateway() ?? "", ocs[state.active].http),
      };
    },
    faultKinds: view.faultKinds,
    records: view.records,
    requests: view.requests,
    addFault: async (fault) => {
      const added = await ask<{ readonly id: string }>("POST faults", fault);
      return "rejected" in added ? added : view.fault(added.id)!;
    },
    clearFaults: (id) => (id === undefined ? ask("DELETE faults") : ask("DELETE faults/<id>", undefined, id)),
    switchOver: (how) => ask("POST switchover", how),
    shiftClock: (by) => ask("POST clock", by),
    dial: async (what) => {
      const dialed = await ask<{ readonly dialed: number; readonly short?: string }>("POST dial", {
        ...what,
        count: 1,
      });
      return "rejected" in dialed ? dialed : { dialed: dialed.dialed, short: dialed.short ?? null };
    },
  };
};

/** Commands without a phone number: the state of a campaign group. */
const examplesFor = (gateway: string, ocs: string): { readonly through: string; readonly past: string } => {
  const [{ campaign_groups: groups, clients } = { campaign_groups: [], clients: [] }] = readyTenants();
  const { client, key } = clients.find(({ actions }) => actions.includes("ReadStatus"))!;
  const path = `/campaigngroups/${groups[0]!.dbid}`;
  return {
    through: `curl -i -u ${inShell(`${client}:${key}`)} ${inShell(gateway + path)}`,
    past: `curl -i ${inShell(ocs + path)}`,
  };
};
