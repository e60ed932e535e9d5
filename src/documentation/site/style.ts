/** The style sheet of the pages at /docs: readable on any screen, in light and dark. */
export const STYLE = `:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
* { box-sizing: border-box; }
body {
  margin: 0;
  font: 1rem/1.5 system-ui, sans-serif;
  display: grid;
  grid-template: "head head" "nav main" / 18rem minmax(0, 1fr);
}
header {
  grid-area: head;
  display: flex;
  flex-wrap: wrap;
  gap: 1rem;
  align-items: center;
  justify-content: space-between;
  padding: .5rem 1rem;
  border-bottom: 1px solid var(--line);
}
header a { font-weight: 600; text-decoration: none; color: inherit; }
input { font: inherit; min-width: 14rem; }
nav { grid-area: nav; padding: 1rem; border-right: 1px solid var(--line); font-size: .9rem; }
nav ul { list-style: none; margin: .25rem 0 .75rem; padding: 0 0 0 .75rem; }
nav a { display: inline-block; min-height: 1.5rem; }
summary { font-weight: 600; cursor: pointer; }
main { grid-area: main; padding: 1rem 2rem 4rem; }
article { max-width: 52rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1.05rem; }
pre {
  overflow-x: auto;
  padding: .75rem;
  background: var(--soft);
  border: 1px solid var(--line);
  overflow-wrap: normal;
}
code { font: .9em/1.5 ui-monospace, monospace; background: var(--soft); } pre code { background: none; }
.table { overflow-x: auto; } table { border-collapse: collapse; }
th, td {
  border: 1px solid var(--line);
  padding: .3rem .5rem;
  text-align: left;
  vertical-align: top;
  overflow-wrap: break-word;
}
dt { margin-top: .75rem; } dd { margin-left: 1rem; }
blockquote { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid var(--line); }
.raw { margin-top: 3rem; font-size: .85rem; }
.skip { position: absolute; left: -100rem; } .skip:focus { left: 0; }
@media (width <= 48rem) { body { display: block; } nav { border: 0; } main { padding: 1rem; } }
@media print { header, nav, .raw { display: none; } body { display: block; } }
`;
