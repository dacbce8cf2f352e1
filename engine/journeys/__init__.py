"""The way of a person through a sequence of messages: steps in a table, waits as rows.

Owns: journeys, their steps, who is where. What must stay true:

- A wait is a row with an instant, never a delayed message in a broker: brokers deliver those twice, or not.
- One person is once in a journey on one occasion, and each step reaches them at most once: the key is (journey version, step, person,
  occasion), and the campaign of a step takes it as its own.
- A journey decides when, and nothing else. Whether a person may be written to is asked at each claim (engine.channels), so somebody who
  withdraws in the middle gets nothing more.

First storey: steps that send and steps that wait, entered at an instant or by an audience that a name stands for. Branches, goals and
exits on events are not here yet.
"""
