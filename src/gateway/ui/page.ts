// SPDX-License-Identifier: Apache-2.0
// The page: static texts, served as they are. What it shows comes from /ui/data; every word of it goes into the document as
// text, never as markup.

export const pageHtml = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Slipway image gateway</title>
<link rel="stylesheet" href="/ui/page.css">
<script src="/ui/page.js" defer></script>
<h1>Image gateway <span id="system"></span></h1>
<p id="state" role="status">loading …</p>
<p id="space"></p>
<h2>Pulls</h2>
<table id="pulls"><thead><tr><th>Image<th>State<th>Done<th>Who<th>Message</tr></thead><tbody></tbody></table>
<h2>Images <input id="filter" type="search" placeholder="filter by tag" aria-label="filter by tag"></h2>
<table id="images"><thead><tr><th>Tags<th>Id<th>Size<th>Who may use it<th>Pulled<th>Expires</tr></thead><tbody></tbody></table>
`;

export const pageCss = `
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
td:first-child, td:last-child { overflow-wrap: anywhere; }
td:first-child { min-width: 12rem; }
tr.FAILURE td { color: #c33; }
progress { width: 8rem; }
code { font-size: 90%; }
`;

export const pageScript = `
'use strict';
const byId = (id) => document.getElementById(id);
const size = (bytes) => {
  if (bytes === null) return '';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; bytes >= 1000 && unit < 4; unit += 1) bytes /= 1024;
  return bytes.toFixed(unit === 0 || bytes >= 100 ? 0 : 1) + ' ' + units[unit];
};
const time = (seconds) => (seconds === null ? '' : new Date(seconds * 1000).toLocaleString());
const cell = (row, content) => {
  const td = row.insertCell();
  td.append(content);
  return td;
};
const code = (text) => {
  const element = document.createElement('code');
  element.textContent = text;
  return element;
};
const audience = (image, names) => {
  if (!image.isPrivate || image.userAcl.length + image.groupAcl.length === 0) return 'everyone';
  const named = (kind, ids) => ids.map((id) => names[kind + id] ?? String(id)).join(', ');
  const parts = [];
  if (image.userAcl.length > 0) parts.push('users ' + named('u', image.userAcl));
  if (image.groupAcl.length > 0) parts.push('groups ' + named('g', image.groupAcl));
  return parts.join('; ');
};
const fill = (table, items, write) => {
  const body = table.tBodies[0];
  const fresh = document.createElement('tbody');
  for (const item of items) write(fresh.insertRow(), item);
  body.replaceWith(fresh);
};
let shown;
const show = () => {
  const data = shown;
  if (data === undefined) return;
  byId('system').textContent = data.system;
  byId('space').textContent = 'Images: ' + size(data.imageBytes) +
    (data.freeBytes === null ? '' : ', free in the image directory: ' + size(data.freeBytes));
  fill(byId('pulls'), data.pulls, (row, pull) => {
    row.className = pull.status;
    cell(row, pull.tag);
    cell(row, pull.status);
    const done = cell(row, '');
    if (pull.progress !== null && pull.progress.totalBytes > 0) {
      const bar = document.createElement('progress');
      bar.max = pull.progress.totalBytes;
      bar.value = pull.progress.doneBytes;
      done.append(bar, ' ' + size(pull.progress.doneBytes) + ' of ' + size(pull.progress.totalBytes));
    }
    cell(row, pull.requester);
    cell(row, pull.message ?? '');
  });
  const wanted = byId('filter').value;
  const images = data.images.filter((image) => wanted === '' || image.tags.some((tag) => tag.includes(wanted)));
  fill(byId('images'), images.slice(0, 2000), (row, image) => {
    cell(row, image.tags.length === 0 ? '(no tag)' : image.tags.join(', '));
    cell(row, code(image.id.slice(0, 12))).title = image.id;
    cell(row, size(image.sizeBytes));
    cell(row, audience(image, data.names));
    cell(row, time(image.lastPull));
    cell(row, time(image.expiration));
  });
  byId('state').textContent = images.length + ' images, ' + data.pulls.length + ' pulls, at ' + time(data.time);
};
const load = async () => {
  try {
    const answer = await fetch('/ui/data');
    if (!answer.ok) throw new Error(answer.status === 403 ? 'this page has run out; open a new link' : 'status ' + answer.status);
    shown = await answer.json();
    show();
  } catch (error) {
    byId('state').textContent = 'not up to date: ' + error.message;
  }
  setTimeout(load, 2000);
};
byId('filter').addEventListener('input', show);
void load();
`;
