// Workload 2 as a Flink DataStream: a file, keyed by user, then by device, by address and by target, to files.
// Arguments: EVENTS OUTPUT CHECKPOINTS STATE_BACKEND (rocksdb or hashmap)
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.fs.Path;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.DeserializationFeature;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

public class SharedEntities {
  static final long SHORT_HOP_MS = 100_000L, LONG_HOP_MS = 600_000L;
  static final int SHORT_HOPS = 6, HOUR_HOPS = 36, KEPT = 7, COUNTS = 10;
  static final Set<String> TYPES = Set.of("post", "comment", "message", "follow", "like");

  public static class Event {
    public String event_id, user_id, type, ip, device_id, target_id, text;
    public long ts, account_age_days, followers, following;
    public String[] urls;
  }

  /** An event on its way. counts: posts and messages in ten minutes, talk and links in an hour, users of each entity. */
  public static class Visit {
    public String eventId, userId, device, ip, target;
    public long hop, ageDays;
    public int[] counts;

    public Visit() {}
  }

  public static class Hops {
    public long[] shorter = {}, longer = {};

    public Hops() {}
  }

  public static class Decode extends RichFlatMapFunction<String, Event> {
    private transient ObjectMapper mapper;

    @Override
    public void open(OpenContext context) {
      mapper = new ObjectMapper().configure(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES, true);
    }

    @Override
    public void flatMap(String line, Collector<Event> out) {
      try {
        Event e = mapper.readValue(line, Event.class);
        boolean isWhole = e.event_id != null && e.user_id != null && e.ip != null && e.device_id != null
            && e.target_id != null && e.text != null && e.urls != null;
        if (isWhole && e.ts > 0 && TYPES.contains(e.type)) {
          out.collect(e);
        }
      } catch (IOException invalid) {
        // left out, as what is not whole
      }
    }
  }

  public static class CountUser extends KeyedProcessFunction<String, Event, Visit> {
    private transient ValueState<Hops> state;

    @Override
    public void open(OpenContext context) {
      state = getRuntimeContext().getState(new ValueStateDescriptor<>("hops", Hops.class));
    }

    @Override
    public void processElement(Event e, Context context, Collector<Visit> out) throws Exception {
      Hops hops = state.value();
      if (hops == null) {
        hops = new Hops();
      }
      Visit visit = new Visit();
      visit.counts = new int[COUNTS];
      boolean isPost = e.type.equals("post"), isMessage = e.type.equals("message");
      boolean isTalk = isPost || isMessage || e.type.equals("comment");
      hops.shorter = enter(hops.shorter, e.ts / SHORT_HOP_MS, isPost, isMessage, visit.counts, 0);
      hops.longer = enter(hops.longer, e.ts / LONG_HOP_MS, isTalk, e.urls.length > 0, visit.counts, 2);
      state.update(hops);
      visit.eventId = e.event_id;
      visit.userId = e.user_id;
      visit.device = e.device_id;
      visit.ip = e.ip;
      visit.target = e.target_id;
      visit.hop = e.ts / SHORT_HOP_MS;
      visit.ageDays = e.account_age_days;
      out.collect(visit);
    }

    private static long[] enter(long[] hops, long hop, boolean first, boolean second, int[] counts, int at) {
      int length = hops.length, place = length - 3;
      while (place >= 0 && hops[place] > hop) {
        place -= 3;
      }
      if (place < 0 || hops[place] != hop) {
        place += 3;
        long[] longer = new long[length + 3];
        System.arraycopy(hops, 0, longer, 0, place);
        System.arraycopy(hops, place, longer, place + 3, length - place);
        longer[place] = hop;
        hops = longer;
        length += 3;
      }
      hops[place + 1] += first ? 1 : 0;
      hops[place + 2] += second ? 1 : 0;
      for (int k = place; k >= 0 && hops[k] > hop - SHORT_HOPS; k -= 3) {
        counts[at] += hops[k + 1];
        counts[at + 1] += hops[k + 2];
      }
      int gone = 0;
      while (hops[gone] <= hops[length - 3] - KEPT) {
        gone += 3;
      }
      return gone > 0 ? Arrays.copyOfRange(hops, gone, length) : hops;
    }
  }

  /** For each user the last hop, for each hop how many users it is the last of. */
  public static class CountVisitors extends KeyedProcessFunction<String, Visit, Visit> {
    private final int at;
    private transient MapState<String, Long> lastHops;
    private transient ValueState<long[]> usersByHop;

    CountVisitors(int at) {
      this.at = at;
    }

    @Override
    public void open(OpenContext context) {
      lastHops = getRuntimeContext().getMapState(new MapStateDescriptor<>("last", Types.STRING, Types.LONG));
      usersByHop = getRuntimeContext().getState(new ValueStateDescriptor<>("users", long[].class));
    }

    @Override
    public void processElement(Visit visit, Context context, Collector<Visit> out) throws Exception {
      long[] users = usersByHop.value();
      if (users == null) {
        users = new long[0];
      }
      Long last = lastHops.get(visit.userId);
      if (last == null || last < visit.hop) {
        users = add(users, visit.hop, 1);
        if (last != null) {
          users = add(users, last, -1);
        }
        lastHops.put(visit.userId, visit.hop);
        usersByHop.update(users);
      }
      for (int k = 0; k < users.length; k += 2) {
        if (users[k] <= visit.hop && users[k] > visit.hop - HOUR_HOPS) {
          visit.counts[at + 1] += users[k + 1];
          if (users[k] > visit.hop - SHORT_HOPS) {
            visit.counts[at] += users[k + 1];
          }
        }
      }
      out.collect(visit);
    }

    private static long[] add(long[] users, long hop, long by) {
      users = users.clone();
      for (int k = users.length - 2; k >= 0; k -= 2) {
        if (users[k] == hop) {
          users[k + 1] += by;
          return users;
        }
      }
      if (by < 0) {
        return users;
      }
      long newest = hop;
      for (int k = 0; k < users.length; k += 2) {
        newest = Math.max(newest, users[k]);
      }
      long[] kept = new long[users.length + 2];
      int length = 0;
      for (int k = 0; k < users.length; k += 2) {
        if (users[k] > newest - HOUR_HOPS - 1) {
          kept[length++] = users[k];
          kept[length++] = users[k + 1];
        }
      }
      kept[length++] = hop;
      kept[length++] = by;
      return Arrays.copyOf(kept, length);
    }
  }

  public static class Decide extends RichFlatMapFunction<Visit, String> {
    @Override
    public void flatMap(Visit visit, Collector<String> out) {
      int[] c = visit.counts;
      int posts = c[0], messages = c[1], talk = c[2], links = c[3];
      int device10m = c[4], device1h = c[5], ip10m = c[6], ip1h = c[7], target10m = c[8], target1h = c[9];
      List<String> rules = new ArrayList<>(2);
      if (device1h >= 3 && talk >= 3) rules.add("device_farm");
      if (ip1h >= 4 && links >= 1) rules.add("address_farm");
      if (messages > 350 && device10m <= 1 && ip10m <= 1) rules.add("lone_flood");
      if (target10m >= 100 && visit.ageDays < 100 && posts >= 1) rules.add("new_in_crowd");
      if (target1h >= 150 && links >= 200) rules.add("links_in_crowd");
      if (target10m >= 120 && messages >= 200 && device1h <= 2) rules.add("pile_on");
      if (target1h >= 100 && talk > 600 && ip1h <= 1) rules.add("loud_in_crowd");
      if ((device10m >= 2 || target10m >= 130) && posts >= 150) rules.add("posts_in_crowd");
      if (!rules.isEmpty()) {
        out.collect("{\"event_id\":\"" + visit.eventId + "\",\"user_id\":\"" + visit.userId + "\",\"rules\":[\""
            + String.join("\",\"", rules) + "\"]}");
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    Configuration configuration = new Configuration();
    configuration.setString("state.backend.type", arguments[3]);
    configuration.setString("execution.checkpointing.interval", "10 s");
    configuration.setString("execution.checkpointing.dir", "file://" + arguments[2]);
    configuration.setString("pipeline.object-reuse", "true");
    configuration.setString("taskmanager.memory.managed.size", "1 gb"); // of the usual 128 MB RocksDB makes tiny files
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1, configuration);
    FileSource<String> events =
        FileSource.forRecordStreamFormat(new TextLineInputFormat(), new Path(arguments[0])).build();
    environment.fromSource(events, WatermarkStrategy.noWatermarks(), "events")
        .flatMap(new Decode()).returns(Event.class)
        .keyBy(event -> event.user_id, Types.STRING).process(new CountUser())
        .keyBy(visit -> visit.device, Types.STRING).process(new CountVisitors(4))
        .keyBy(visit -> visit.ip, Types.STRING).process(new CountVisitors(6))
        .keyBy(visit -> visit.target, Types.STRING).process(new CountVisitors(8))
        .flatMap(new Decide())
        .sinkTo(FileSink.forRowFormat(new Path(arguments[1]), new SimpleStringEncoder<String>()).build());
    environment.execute("shared entities");
  }
}
