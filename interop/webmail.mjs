// Drives a browser through the web pages, as Alice at one server and Bob at another.
//
//     node webmail.mjs '{"module": …, "chromium": …, "alice": …, "bob": …, "password": …, "folder": …, "screenshots": …}'
//
// Every step fails with what it saw; the last line is `ok`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const settings = JSON.parse(process.argv[2]);
const { chromium } = await import(pathToFileURL(settings.module).href).then((module) => module.default ?? module);

const browser = await chromium.launch({
  executablePath: settings.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
let failed = false;

async function open(base, options = {}) {
  const context = await browser.newContext({ locale: "en-US", acceptDownloads: true, ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.base = base;
  page.foreign = [];
  page.dialogs = [];
  // Nothing may ever be asked of anybody but this server.
  context.on("request", (request) => {
    if (!request.url().startsWith(base) && !request.url().startsWith("data:")) page.foreign.push(request.url());
  });
  page.on("dialog", (dialog) => { page.dialogs.push(dialog.message()); dialog.dismiss(); });
  page.on("pageerror", (error) => page.dialogs.push(String(error)));
  return page;
}

async function logIn(page, name) {
  await page.goto(`${page.base}/`);
  await page.getByLabel("Mail address").fill(name);
  await page.getByLabel("Password").fill(settings.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Inbox", level: 1 }).waitFor();
}

/** Looks again until a message is there. */
async function message(page, subject, folder = "INBOX") {
  for (let tries = 0; tries < 100; tries += 1) {
    await page.goto(`${page.base}/folder?name=${folder}`);
    const row = page.getByRole("listitem").filter({ hasText: subject });
    if (await row.count() > 0) return row.first();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`no message “${subject}” in ${folder}`);
}

async function shot(page, name) {
  if (settings.screenshots) await page.screenshot({ path: join(settings.screenshots, `${name}.png`), fullPage: true });
}

try {
  const alice = await open(settings.alice);
  // A wrong password first.
  await alice.goto(`${alice.base}/`);
  await alice.getByLabel("Mail address").fill("alice@crepes.fr");
  await alice.getByLabel("Password").fill("wrong");
  await alice.getByRole("button", { name: "Log in" }).click();
  await alice.getByRole("alert").waitFor();
  await logIn(alice, "alice@crepes.fr");
  await shot(alice, "empty");

  // Write, with an attachment, to the other server.
  await alice.getByRole("link", { name: "New message" }).click();
  await alice.getByLabel("To", { exact: true }).fill("Bob <bob@hamburger.edu>");
  await alice.getByLabel("Subject").fill("인생의 의미를 찾아서");
  await alice.getByLabel("Text").fill("Do you like ketchup?\n.\nHow about pickles?\n");
  await alice.getByLabel("Attach files").setInputFiles(join(settings.folder, "카페 메뉴.bin"));
  await shot(alice, "compose");
  await alice.getByRole("button", { name: "Send" }).click();
  await alice.getByRole("status").filter({ hasText: "on its way" }).waitFor();
  await message(alice, "인생의 의미를 찾아서", "Sent");

  // Read it there.
  const bob = await open(settings.bob);
  await logIn(bob, "bob@hamburger.edu");
  const row = await message(bob, "인생의 의미를 찾아서");
  assert.match(await row.getAttribute("class"), /unread/);
  await shot(bob, "inbox");
  await row.getByRole("link").click();
  await bob.getByRole("heading", { name: "인생의 의미를 찾아서" }).waitFor();
  assert.equal((await bob.locator(".text").innerText()).trim(), "Do you like ketchup?\n.\nHow about pickles?");
  await shot(bob, "message");
  const [download] = await Promise.all([
    bob.waitForEvent("download"),
    bob.getByRole("link", { name: "Download 카페 메뉴.bin" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "카페 메뉴.bin");
  assert.deepEqual(readFileSync(await download.path()), readFileSync(join(settings.folder, "카페 메뉴.bin")));

  // Answer; Alice gets it.
  await bob.getByRole("link", { name: "Reply", exact: true }).click();
  assert.match(await bob.getByLabel("Text").inputValue(), /^> Do you like ketchup\?$/m);
  await bob.getByRole("button", { name: "Send" }).click();
  await bob.getByRole("status").waitFor();
  await message(alice, "Re: 인생의 의미를 찾아서");

  // Move it, delete it, delete it for good.
  await (await message(bob, "인생의 의미를 찾아서")).getByRole("checkbox").check();
  await bob.getByLabel("Move to").selectOption({ label: "Archive" });
  await bob.getByRole("button", { name: "Move", exact: true }).click();
  await bob.getByRole("status").filter({ hasText: "Moved." }).waitFor();
  await (await message(bob, "인생의 의미를 찾아서", "Archive")).getByRole("link").click();
  await bob.getByRole("button", { name: "Delete" }).click();
  await bob.getByRole("status").filter({ hasText: "Moved to Trash." }).waitFor();
  await (await message(bob, "인생의 의미를 찾아서", "Trash")).getByRole("checkbox").check();
  await bob.getByRole("button", { name: "Delete for good" }).click();
  await bob.getByRole("status").filter({ hasText: "Deleted for good." }).waitFor();
  await bob.getByText("Nothing here yet.").waitFor();

  // HTML that wants to do harm does nothing.
  const hostile = await message(bob, "Hostile");
  await hostile.getByRole("link").click();
  const frame = bob.frameLocator("iframe");
  await frame.getByText("Dear Bob").waitFor();
  await bob.waitForTimeout(1500);
  await shot(bob, "hostile");
  assert.deepEqual(bob.foreign, [], "nothing was fetched from elsewhere");
  assert.deepEqual(bob.dialogs, [], "no script has run");
  assert.equal(bob.frames().length, 2);
  assert.equal(await frame.locator("form, button, script, svg, style, iframe, [onerror], [style]").count(), 0);
  assert.equal(await frame.locator("img").count(), await frame.locator("img:not([src])").count(), "no picture is loaded");
  assert.match(bob.url(), /^http:\/\/127\.0\.0\.1:\d+\/message\?/, "it leads nowhere");
  assert.equal(await bob.title(), "Hostile – Webmail");
  // Also when its page is opened by itself.
  await bob.goto(new URL(await bob.locator("iframe").getAttribute("src"), bob.base).href);
  await bob.getByText("Dear Bob").waitFor();
  await bob.waitForTimeout(500);
  assert.deepEqual([bob.foreign, bob.dialogs], [[], []]);
  assert.equal(await bob.evaluate(() => window.origin), "null", "it has no origin");
  // Remote pictures come for this message alone, once they are asked for.
  await (await message(bob, "Hostile")).getByRole("link").click();
  await bob.getByRole("link", { name: "Show them in this message" }).click();
  await bob.frameLocator("iframe").getByText("Dear Bob").waitFor();
  await bob.waitForTimeout(500);
  assert.ok(bob.foreign.length > 0 && bob.foreign.every((url) => url === settings.picture), bob.foreign.join());
  assert.deepEqual(bob.dialogs, []);
  bob.foreign.length = 0;
  await (await message(bob, "Hostile")).getByRole("link").click();
  await bob.waitForTimeout(500);
  assert.deepEqual(bob.foreign, []);

  // A file that is too large: said on a page, with the text still there.
  await bob.goto(`${bob.base}/compose`);
  await bob.getByLabel("To", { exact: true }).fill("alice@crepes.fr");
  await bob.getByLabel("Text").fill("This took me an hour.");
  await bob.getByLabel("Attach files").setInputFiles(join(settings.folder, "large.bin"));
  const [answer] = await Promise.all([
    bob.waitForResponse((response) => response.request().method() === "POST"),
    bob.getByRole("button", { name: "Send" }).click(),
  ]);
  assert.equal(answer.status(), 413);
  await bob.getByRole("alert").filter({ hasText: "too large" }).waitFor();
  assert.equal(await bob.getByLabel("Text").inputValue(), "This took me an hour.");

  // The other language.
  await bob.getByRole("button", { name: "한국어" }).click();
  await bob.goto(`${bob.base}/folder?name=INBOX`);
  await bob.getByRole("heading", { name: "받은편지함" }).waitFor();

  // On a telephone and in the dark nothing runs over the edge.
  for (const colorScheme of ["light", "dark"]) {
    const phone = await open(settings.bob, { viewport: { width: 390, height: 844 }, colorScheme, locale: "ko-KR" });
    await phone.goto(`${phone.base}/`);
    await shot(phone, `phone-login-${colorScheme}`);
    await phone.getByLabel("메일 주소").fill("bob");
    await phone.getByLabel("비밀번호").fill(settings.password);
    await phone.getByRole("button", { name: "로그인" }).click();
    await phone.getByRole("heading", { name: "받은편지함" }).waitFor();
    const paths = ["/folder?name=INBOX", "/compose", "/nowhere"];
    paths.push(await phone.getByRole("listitem").filter({ hasText: "Hostile" }).first().getByRole("link").getAttribute("href"));
    for (const [index, path] of paths.entries()) {
      await phone.goto(phone.base + path);
      await shot(phone, `phone-${index}-${colorScheme}`);
      const over = await phone.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(over <= 0, `${path} is ${over} pixels too wide`);
    }
  }

  // Log out: going back shows nothing.
  await bob.getByRole("button", { name: "로그아웃" }).click();
  await bob.getByRole("heading", { name: "로그인" }).waitFor();
  await bob.goto(`${bob.base}/folder?name=INBOX`);
  await bob.getByRole("heading", { name: "로그인" }).waitFor();
  console.log("ok");
} catch (error) {
  failed = true;
  console.error(error);
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);
