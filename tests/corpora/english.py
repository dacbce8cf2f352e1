"""English posts and notes; `{p}` a person, `{g}` a given name, `{s}` a surname. Posts come in any case and without punctuation."""

from __future__ import annotations

POSTS = """
omg just saw {p} at the mall!!!
RT @shopfan22: {p} is wearing the new {brand} sneakers
can't believe {g} didn't like the gift lol
@{handle} thx for the tip, {g} says hi
{p} needs to stop promoting that detox tea smh
listening to {p} on repeat rn #nowplaying
Happy birthday {g}!! hope u have the best day
anyone else going to see {p} tonight? #livemusic
My boss {p} just approved the budget yay
ugh {g} forgot to return the dress again
so proud of {p} for winning the giveaway
{p} & {p} collab when???
i think {s} would buy this
shoutout to {p} from customer service you rock
mum and {g} are arguing about the new sofa 😂
Who did it better, {p} or {p}?
tickets for {p} sold out in 2 mins ffs
Met {p} in London yesterday, what a legend
lmao {g} you're so funny
{p} interview was AMAZING!!!
""".strip().split("\n")

NOTES = """
Please call {p} back about the invoice.
{p} from accounting approved the refund.
Dear {g}, your coupon expires tomorrow.
The parcel for {p} was left with {p}.
Regards, {p}
Customer {p} complained about the delivery.
I spoke with Mr. {s} yesterday.
""".strip().split("\n")

NEGATIVES = """
omg the new jordans are fire 🔥🔥
just got the mac lipstick and its so pretty
RT @brand: 50% off everything this Friday only!!!
can't wait for summer in Paris and London #travel
the victoria's secret sale is insane lol
May the 4th be with you, free shipping on Star Wars toys
I will mark my calendar for black friday
anyone tried the Jack Daniels bbq sauce from walmart?
Happy Monday everyone! New week new deals
christian dior or chanel? help me choose
got my iphone at best buy yesterday, apple store was full
rose gold looks better than jade green tbh
Grace period ends June 1, don't miss out
going to the lakers game tonight woo
Merry Christmas from all of us at the Austin store
so hungry rn gonna grab wendy's or papa john's
Harry Potter marathon on netflix tonight
lol my dog ate the coupon
The Hunter boots and the Pearl necklace are sold out
""".strip().split("\n")
