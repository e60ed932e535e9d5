/** A table that scrolls sideways in its own frame, with a caption for screen readers. */
import type { ComponentChildren } from "preact";
import { TableFrame } from "./table-frame.tsx";

/** `right`: for numbers. */
export type Head = string | { readonly says: string; readonly right: true };

type Props = {
  readonly caption: string;
  readonly head: readonly Head[];
  readonly children: ComponentChildren;
};

export const PlainTable = ({ caption, head, children }: Props) => (
  <TableFrame label={caption}>
    <table class="plain-table">
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {head.map((each) =>
            typeof each === "string" ? (
              <th key={each} scope="col">
                {each}
              </th>
            ) : (
              <th key={each.says} scope="col" class="right">
                {each.says}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </TableFrame>
);
