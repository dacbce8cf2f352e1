"""Messages leave the house here: a campaign claims each person's message under the consent gate, then hands it over.

Owns: campaigns, dispatches (one per person, campaign and occasion), frequency caps, the hand-over to a mail server, the link that
withdraws. What must stay true:

- No claim without a verdict: the gate's answer is asked and cited in the transaction that claims, under the lock that a withdrawal
  needs, so nothing is claimed after a withdrawal was acknowledged.
- A marketing message is sent at most once. What a crash leaves between "hand-over began" and an answer is `unknown`, and is never
  sent again.
- A frequency cap is a reservation: one statement admits or refuses, and what did not leave gives its place back.
- An address is read from the vault at the moment of hand-over and is stored nowhere here, nor in any log.
- Every message says how to withdraw, and one POST without login does it (RFC 8058).

    from engine.channels import campaigns
    campaigns.prepare(...)   campaigns.launch(campaign, subjects, actor=...)

E-mail is the channel that exists. `adapters.ChannelAdapter` is what SMS, push and webhooks will implement.
"""
