/** A campaign group as a state diagram: the present state, and the transitions that OCS allows now. */
import { useId } from "preact/hooks";
import type { GroupState, SandboxGroup } from "../../../admin/schemas/sandbox.ts";
import { S } from "../../strings.ts";
import { EDGES, NODE, NODES, VIEW, type Edge, type EdgeName } from "./group-edges.ts";

/** Names of requests, and what happens by itself, by the state to which they lead. */
export const transitionsOf = ({ requests, automatic }: SandboxGroup): ReadonlyMap<GroupState, readonly string[]> => {
  const found = new Map<GroupState, readonly string[]>();
  const add = (to: GroupState, what: string): void => void found.set(to, [...(found.get(to) ?? []), what]);
  for (const { request, to } of requests) if (to !== null) add(to, request);
  if (automatic) add(automatic.to, S.sandbox.triggers[automatic.when]);
  return found;
};

export const GroupDiagram = ({ group }: { readonly group: SandboxGroup }) => {
  const id = useId();
  const { name, state } = group;
  const to = transitionsOf(group);
  const words = [...to].map(([next, requests]) => `${requests.join(", ")}: ${S.sandbox.groupStates[next]}`);
  const isOpen = (edge: EdgeName): boolean => edge.startsWith(`${state}>`) && to.has(edge.split(">")[1] as GroupState);
  const edges = Object.entries(EDGES) as [EdgeName, Edge][];
  return (
    <svg
      class="group-diagram"
      viewBox={`0 0 ${VIEW.width} ${VIEW.height}`}
      role="img"
      aria-labelledby={`${id}-title`}
      aria-describedby={`${id}-words`}
    >
      <title id={`${id}-title`}>{S.sandbox.diagram(name, S.sandbox.groupStates[state])}</title>
      <desc id={`${id}-words`}>{words.join("; ")}</desc>
      <defs>
        <Arrow id={`${id}-other`} name="other" />
        <Arrow id={`${id}-open`} name="open" />
      </defs>
      {edges
        .toSorted(([one], [other]) => Number(isOpen(one)) - Number(isOpen(other)))
        .map(([edge, { d }]) => {
          const look = isOpen(edge) ? "open" : "other";
          return <path key={edge} class={`edge edge-${look}`} d={d} fill="none" marker-end={`url(#${id}-${look})`} />;
        })}
      {(Object.keys(NODES) as GroupState[]).map((each) => (
        <Node key={each} state={each} isNow={each === state} />
      ))}
      {edges
        .filter(([edge]) => isOpen(edge))
        .map(
          ([
            edge,
            {
              at: [x, y],
              anchor,
            },
          ]) => (
            <text key={edge} class="edge-label" x={x} y={y} text-anchor={anchor}>
              {to.get(edge.split(">")[1] as GroupState)!.join(", ")}
            </text>
          ),
        )}
    </svg>
  );
};

const Arrow = ({ id, name }: { readonly id: string; readonly name: "open" | "other" }) => (
  <marker id={id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
    <path class={`arrow arrow-${name}`} d="M0 0 8 4 0 8Z" />
  </marker>
);

const Node = ({ state, isNow }: { readonly state: GroupState; readonly isNow: boolean }) => {
  const [x, y] = NODES[state];
  const { width, height } = NODE;
  return (
    <g class={isNow ? "state state-now" : "state"}>
      <rect x={x - width / 2} y={y - height / 2} width={width} height={height} rx="8" />
      {isNow && <rect x={x - width / 2 + 3} y={y - height / 2 + 3} width={width - 6} height={height - 6} rx="6" />}
      <text x={x} y={y + 4} text-anchor="middle">
        {S.sandbox.groupStates[state]}
      </text>
    </g>
  );
};
