//! The look of the page. Colours are variables, so that one rule makes the dark version.

pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --paper: #ffffff; --card: #f6f7f9;
  --rank: #2f6fde; --baseline: #8a94a6; --variant: #c08a2e; --external: #a2559c; --good: #1d8a52; --bad: #c23b3b; --level: #9a6b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaf0; --soft: #9aa5b8; --line: #2f3744; --paper: #12161d;
  --card: #1a202a; --rank: #6ea1ff; --baseline: #77839a; --variant: #d9a94f; --external: #cf8cc9; --good: #4cc487; --bad: #ef7676;
  --level: #e0b04a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
h2 { font-size: 20px; margin: 48px 0 4px; }
h3 { font-size: 14px; font-weight: 600; margin: 0 0 2px; }
p { margin: 0 0 8px; } .soft { color: var(--soft); } .note { color: var(--soft); font-size: 13px; margin: 0 0 10px; }
.facts { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 20px 0; }
.facts div { min-width: 90px; } .facts b { display: block; font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.facts span { color: var(--soft); font-size: 13px; }
ul.warnings { margin: 0 0 8px; padding: 12px 16px 12px 32px; background: var(--card); border-radius: 8px; font-size: 14px; }
.verdict { border-left: 4px solid var(--level); background: var(--card); border-radius: 0 8px 8px 0; padding: 12px 16px;
  margin: 12px 0 20px; font-weight: 500; }
.verdict.better { border-color: var(--good); } .verdict.worse { border-color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 16px; }
.card { background: var(--card); border-radius: 10px; padding: 16px; min-width: 0; }
.card.wide { grid-column: 1 / -1; }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; font-size: 12px; font-family: inherit; }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); } svg .grid { stroke: var(--line); stroke-width: 1; }
svg .whisker { stroke: var(--ink); stroke-width: 1.5; fill: none; }
svg .rank { fill: var(--rank); } svg .baseline { fill: var(--baseline); } svg .variant { fill: var(--variant); }
svg .external { fill: var(--external); }
svg .strong { font-weight: 600; }
svg .leader { stroke: var(--soft); stroke-width: 0.7; }
svg .ref { stroke: var(--rank); stroke-width: 1; stroke-dasharray: 3 3; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 8px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
tr.rank td { font-weight: 600; } tr.variant td:first-child { padding-left: 20px; color: var(--soft); }
td.heat { background: color-mix(in srgb, var(--rank) var(--heat), transparent); }
table.tight { font-size: 12px; } table.tight th, table.tight td { padding: 5px 5px; }
th.fit { white-space: normal; }
th.wrap { white-space: normal; min-width: 76px; }
.legend { display: flex; gap: 16px; font-size: 13px; color: var(--soft); margin-top: 6px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; }
footer { margin-top: 40px; color: var(--soft); font-size: 13px; }
@media print { main { max-width: none; } .card { break-inside: avoid; } }
";
