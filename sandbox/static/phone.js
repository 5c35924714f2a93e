const $ = (selector, root = document) => root.querySelector(selector);
const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)]/g;
const LOST = new Set(["undelivered", "failed"]);
const RING_MS = 6000;

const say = async (path, body) => {
  const answer = await fetch(`/__sandbox/${path}`, body && { method: "POST", body: JSON.stringify(body) });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error);
  return data;
};

const make = (tag, kind, words) => {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (words !== undefined) node.textContent = words;
  return node;
};

const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
const day = (at) => new Date(at).toLocaleDateString([], { weekday: "short", month: "short", day: "numeric" });

/** Fill `node` with words in which links can be followed; words never become markup. */
function write(node, words) {
  let done = 0;
  for (const match of words.matchAll(LINK)) {
    node.append(words.slice(done, match.index));
    const link = make("a", "", match[0]);
    Object.assign(link, { href: match[0], target: "_blank", rel: "noopener noreferrer" });
    node.append(link);
    done = match.index + match[0].length;
  }
  node.append(words.slice(done));
}

class Phone {
  constructor({ name, number, email, rings }) {
    Object.assign(this, { name, number, email, rings, heard: null, letter: null, shown: "", inbox: "" });
    this.node = $("#phone").content.firstElementChild.cloneNode(true);
    this.title();
    for (const tab of this.node.querySelectorAll("[data-tab]")) tab.onclick = () => this.turn(tab.dataset.tab);
    this.form($(".reply", this.node), (words) => say("reply", { from: this.number, body: words }));
    this.form($(".mail-reply", this.node), (words) => this.answer(words));
    $(".back", this.node).onclick = () => this.close();
    $(".plain", this.node).onclick = () => this.plain($(".plain", this.node).getAttribute("aria-pressed") !== "true");
    $(".unsubscribe", this.node).onclick = () => this.unsubscribe();
    this.node.onpointerdown = () => this.node.classList.remove("ringing");
  }

  title() {
    this.node.setAttribute("aria-label", `${this.name || "Phone"} ${this.number || this.email || ""}`);
    $(".name", this.node).textContent = this.name || this.number || this.email || "No phone yet";
    $(".address", this.node).textContent = [this.name && this.number, this.email].filter(Boolean).join(" · ");
  }

  /** Show someone else's texts or mailbox on this phone. */
  turnTo({ kind, address, name }) {
    Object.assign(this, { name: name || "", heard: null, shown: "", inbox: "" });
    this.number = kind === "sms" ? address : "";
    this.email = kind === "email" ? address : "";
    this.title();
    this.close();
    this.turn(kind === "sms" ? "texts" : "mail");
    this.refresh();
  }

  turn(name) {
    for (const tab of this.node.querySelectorAll("[data-tab]"))
      tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
    for (const pane of this.node.querySelectorAll(".pane")) pane.hidden = !pane.classList.contains(name);
  }

  form(form, send) {
    const words = $("textarea", form);
    const grow = () => { words.style.height = "auto"; words.style.height = `${words.scrollHeight + 2}px`; };
    words.oninput = grow;
    words.onkeydown = (event) => {
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
    };
    form.onsubmit = async (event) => {
      event.preventDefault();
      if (!words.value.trim()) return;
      const typed = words.value;
      words.value = "";
      grow();
      try { await send(typed); } catch (error) { words.value = typed; alert(error.message); }
    };
  }

  async refresh() {
    const texts = this.number ? (await say(`thread?number=${encodeURIComponent(this.number)}`)).bubbles : [];
    this.texts(texts);
    const mails = this.email ? (await say(`mailbox?address=${encodeURIComponent(this.email)}`)).mails : [];
    this.mails(mails);
  }

  texts(bubbles) {
    $(".reply", this.node).hidden = !this.number;
    const print = JSON.stringify(bubbles);
    if (print === this.shown && bubbles.length) return;
    this.shown = print;
    const list = $(".bubbles", this.node);
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    list.replaceChildren(...this.lines(bubbles));
    if (atEnd || bubbles.at(-1)?.mine) list.scrollTop = list.scrollHeight;
    this.ring(bubbles.filter((bubble) => !bubble.mine));
  }

  *lines(bubbles) {
    if (!bubbles.length) yield make("li", "empty", this.number ? "No messages yet" : "Choose someone on the left");
    let last = 0;
    for (const [n, bubble] of bubbles.entries()) {
      const at = new Date(bubble.at).getTime();
      if (Math.abs(at - last) > 20 * 60_000) yield make("li", "time", `${day(at)}, ${clock(at)}`);
      last = at;
      const lost = LOST.has(bubble.status);
      const kind = bubble.mine ? "mine" : bubble.status === "auto" ? "auto" : lost ? "lost" : "";
      const node = make("li", `bubble ${kind}`);
      write(node, [bubble.words, ...bubble.media].filter(Boolean).join("\n"));
      yield node;
      if (lost) yield make("li", "note bad", `Never reached this phone: ${bubble.status}, ${bubble.error}`);
      else if (bubble.status === "auto") yield make("li", "note", "said by the carrier");
      else if (n === bubbles.length - 1 && !bubble.mine) yield make("li", "note", bubble.status);
    }
  }

  ring(incoming) {
    const news = this.heard !== null && incoming.length > this.heard;
    this.heard = incoming.length;
    if (!news || !this.rings) return;
    this.node.classList.remove("ringing");
    void this.node.offsetWidth; // lets the animation start anew
    this.node.classList.add("ringing");
    $("#announcer").textContent = `${this.name} has a new message: ${incoming.at(-1).words}`;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.node.classList.remove("ringing"), RING_MS);
  }

  mails(mails) {
    $(".count", this.node).textContent = mails.length || "";
    const print = JSON.stringify(mails);
    if (print === this.inbox && mails.length) return;
    this.inbox = print;
    const rows = mails.map((mail) => {
      const item = make("li"), button = make("button"), row = make("div", "row");
      row.append(make("span", "subject", mail.subject), make("span", "when", `${day(mail.at)}, ${clock(mail.at)}`));
      button.append(row, make("div", "from", mail.from_name || mail.from), make("div", "preview", mail.preview));
      button.onclick = () => this.open(mail.id);
      item.append(button);
      return item;
    });
    const none = this.email ? "No mail yet" : "This phone has no mailbox";
    $(".mails", this.node).replaceChildren(...(rows.length ? rows : [make("li", "empty", none)]));
  }

  async open(id) {
    const mail = (this.letter = await say(`mail?id=${encodeURIComponent(id)}`));
    $(".letter h3", this.node).textContent = mail.subject;
    $(".letter .from", this.node).textContent = `${mail.from_name} <${mail.from}> to ${mail.to}`;
    const plain = $(".plain-text", this.node);
    plain.replaceChildren();
    write(plain, mail.text);
    $("iframe", this.node).srcdoc = `<base target="_blank"><meta charset="utf-8">${mail.html}`;
    $(".unsubscribe", this.node).hidden = !mail.one_click;
    $(".said", this.node).textContent = "";
    this.plain(!mail.html);
    $(".mails", this.node).hidden = true;
    $(".letter", this.node).hidden = false;
    $(".back", this.node).focus();
  }

  close() {
    this.letter = null;
    $(".mails", this.node).hidden = false;
    $(".letter", this.node).hidden = true;
  }

  plain(on) {
    $(".plain", this.node).setAttribute("aria-pressed", String(on));
    $(".plain-text", this.node).hidden = !on;
    $("iframe", this.node).hidden = on;
  }

  async answer(words) {
    const { to, reply_to, subject } = this.letter;
    const about = /^re:/i.test(subject) ? subject : `Re: ${subject}`;
    await say("reply", { email: { from: to, to: reply_to, subject: about, text: words } });
    $(".said", this.node).textContent = `Sent to ${reply_to}`;
  }

  async unsubscribe() {
    const said = $(".said", this.node);
    try {
      const { status } = await say("unsubscribe", { id: this.letter.id });
      said.textContent = status && status < 300 ? "Unsubscribed" : `Unsubscribing failed (${status ?? "no answer"})`;
    } catch (error) { said.textContent = error.message; }
  }
}

function showPeople(people, phones) {
  const wanted = $("#filter").value.trim().toLowerCase();
  const names = new Map(phones.named.flatMap((p) => [[p.number, p.name], [p.email, p.name]]));
  const first = phones.all[0];
  const rows = people
    .map((row) => ({ ...row, name: names.get(row.address) }))
    .filter((row) => `${row.address} ${row.name ?? ""}`.toLowerCase().includes(wanted))
    .map((row) => {
      const item = make("li"), button = make("button");
      button.setAttribute("aria-current", String([first.number, first.email].includes(row.address)));
      const last = row.mine ? `Replied: ${row.last}` : row.last;
      const who = make("span", "who");
      who.append(make("span", "kind", row.kind === "sms" ? "text" : "mail"), row.name || row.address);
      button.append(who, make("span", "when", clock(row.at)), make("span", "last", last));
      button.title = row.address;
      button.onclick = () => pick(row, phones, people);
      item.append(button);
      return item;
    });
  $("#people").replaceChildren(...(rows.length ? rows : [make("li", "none", wanted ? "Nobody found" : "Nobody yet")]));
}

/** A named phone's own thread is on that phone already; anybody else's goes on the first one. */
function pick(row, phones, people) {
  const own = phones.named.find((p) => p.number === row.address || p.email === row.address);
  const phone = phones.all.find((p) => [p.number, p.email].includes(row.address)) ?? phones.all[0];
  if (own && phone === phones.all[0] && own === phones.named[0]) {
    Object.assign(phone, own, { heard: null, shown: "", inbox: "" });
    phone.title();
    phone.refresh();
  } else if (![phone.number, phone.email].includes(row.address)) {
    phone.turnTo(row);
  }
  phone.turn(row.kind === "sms" ? "texts" : "mail");
  phone.node.scrollIntoView({ block: "nearest", behavior: "smooth" });
  showPeople(people, phones);
}

/** Show another page beside the phones. An address with a one-time token leads nowhere the second time: from the
 * second page in the frame on, a reload begins where that page is at home. */
function showBeside(address) {
  const home = "beside:" + address;
  const frame = make("iframe", "beside");
  let pages = 0;
  frame.title = "Beside the phones";
  frame.onload = () => { if (++pages === 2) localStorage.setItem(home, new URL("/desk/today", address)); };
  frame.src = localStorage.getItem(home) ?? address;
  document.body.classList.add("with-beside");
  $("main").prepend(frame);
}

async function main() {
  const { phones: named, beside } = await say("phones");
  if (beside) showBeside(beside);
  const all = (named.length ? named : [{ name: "", number: "", email: "" }]).map((phone) => new Phone(phone));
  const phones = { named, all };
  $("#phones").append(...all.map((phone) => phone.node));
  let people = [], busy = false, again = false;
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      people = (await say("people")).people;
      if (!named.length && !all[0].number && !all[0].email && people.length) all[0].turnTo(people[0]);
      showPeople(people, phones);
      await Promise.all(all.map((phone) => phone.refresh()));
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  };
  $("#filter").oninput = () => showPeople(people, phones);
  const changes = new EventSource("/__sandbox/changes");
  const live = $("#live");
  changes.onopen = () => { live.textContent = "live"; live.classList.add("on"); };
  changes.onerror = () => { live.textContent = "waiting for the sandbox…"; live.classList.remove("on"); };
  changes.onmessage = refresh;
  await refresh();
}

main();
