// Mail as npm's mailparser reads it and as nodemailer writes it: node messages.mjs NODE_MODULES read FILE … | write PLAN
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";

const [modules, what, ...files] = process.argv.slice(2);
const require = createRequire(`${modules}/`);

if (what === "read") {
  const { simpleParser } = require("mailparser");
  for (const file of files) {
    const mail = await simpleParser(await readFile(file));
    const people = (list) => (list?.value ?? []).map(({ name, address }) => ({ name, address }));
    console.log(
      JSON.stringify({
        subject: mail.subject,
        from: people(mail.from),
        to: people(mail.to),
        text: mail.text,
        html: mail.html || null,
        attachments: mail.attachments.map(({ filename, content }) => ({
          filename,
          sha256: createHash("sha256").update(content).digest("hex"),
        })),
      }),
    );
  }
} else {
  const MailComposer = require("nodemailer/lib/mail-composer");
  const content = Buffer.concat(Array(20).fill(Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))));
  for (const one of JSON.parse(await readFile(files[0]))) {
    const mail = new MailComposer({
      from: { name: one.name, address: "alice@crepes.fr" },
      to: [{ name: "Bob", address: "bob@hamburger.edu" }, "carol@hamburger.edu"],
      subject: one.subject,
      text: one.text,
      html: `<p>${one.text}</p>`,
      attachments: [{ filename: one.filename, content, contentType: "application/octet-stream" }],
    });
    await writeFile(one.path, await mail.compile().build());
  }
}
