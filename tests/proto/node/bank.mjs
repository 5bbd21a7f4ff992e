// A bank that has the contract's .proto files, its certificates, and nothing else of Payvand.
//
//   node bank.mjs PROTO_FOLDER ADDRESS DEBTOR_CERTIFICATES CREDITOR_CERTIFICATES DEBTOR_IBAN CREDITOR_IBAN
//
// It pays 1,000 from one bank to the other, accepts at the other's stream, waits for the outcome at
// the first's, asks for the status, repeats the payment, and sends what must be refused. What it saw
// goes to stdout as JSON.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [protos, address, debtorFolder, creditorFolder, debtorIban, creditorIban] = process.argv.slice(2);
const definition = loader.loadSync("payvand/v1/payment_service.proto", {
  includeDirs: [protos],
  longs: String,
  enums: String,
});
const { PaymentService } = grpc.loadPackageDefinition(definition).payvand.v1;

function connect(folder) {
  const file = (name) => readFileSync(join(folder, name));
  const credentials = grpc.credentials.createSsl(file("ca.pem"), file("key.pem"), file("certificate.pem"));
  return new PaymentService(address, credentials);
}

const call = (client, method, request) => promisify(client[method].bind(client))(request);

async function first(stream, pick) {
  for await (const step of stream) {
    const found = pick(step);
    if (found) {
      stream.cancel();
      return found;
    }
  }
  throw new Error("the stream ended early");
}

const debtor = connect(debtorFolder);
const creditor = connect(creditorFolder);
const id = Buffer.alloc(16);
id.writeUInt32BE(0x0ddba11, 12);
const payment = {
  id,
  kind: "PAYMENT_KIND_CREDIT_TRANSFER",
  debtorIban,
  creditorIban,
  amount: "1000",
  unit: "IRR",
  remittance: "از آن‌سوی مرز زبان‌ها",
};
const isOurs = (one) => one.id.equals(id);

const submitted = await call(debtor, "Submit", { payments: [payment] });
const offer = await first(creditor.Follow({ cursor: "0" }), (step) => (step.offers ?? []).find(isOurs));
const answered = await call(creditor, "Answer", { answers: [{ id, accept: true }] });
const outcome = await first(debtor.Follow({ cursor: "0" }), (step) => (step.outcomes ?? []).find(isOurs));
const { statuses } = await call(debtor, "GetStatus", { ids: [id, Buffer.alloc(16, 7)] });
const repeated = await call(debtor, "Submit", { payments: [payment] });
const wrong = await call(debtor, "Submit", { payments: [{ ...payment, id: Buffer.alloc(16, 1), amount: "0" }] });
const ahead = await first(debtor.Follow({ cursor: "9007199254740993" }), () => false).catch((error) => ({
  code: grpc.status[error.code],
  carriesStatus: error.metadata.get("grpc-status-details-bin").length === 1,
}));

console.log(
  JSON.stringify({
    submitted: submitted.states,
    offered: { amount: offer.amount, remittance: offer.remittance },
    answered: answered.states,
    outcome: outcome.state,
    statuses: statuses.map((status) => status.state),
    repeated: repeated.states,
    refused: wrong.refusals.map(({ field, rule }) => ({ field, rule })),
    ahead,
  }),
);
debtor.close();
creditor.close();
